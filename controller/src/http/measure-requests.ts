// How many requests, how long, with which answers: a histogram by route (never by path, which would be without end).
import type { MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import { Histogram } from "prom-client";
import type { Context } from "../context.ts";
import { loggedPath } from "./logged-path.ts";
import { nameOfRoute } from "./route-name.ts";
import type { HttpEnv } from "./router.ts";

export function measureRequests(ctx: Context): MiddlewareHandler<HttpEnv> {
  const seconds = new Histogram({
    name: "opsconductor_http_request_seconds",
    help: "Time from the request's headers to the answer's headers",
    labelNames: ["route", "status"],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [ctx.metrics],
  });
  return async (c, next) => {
    const started = performance.now();
    await next();
    const elapsed = performance.now() - started;
    const found = matchedRoutes(c).find(({ method }) => method !== "ALL");
    const route = found ? nameOfRoute(found) : "unknown";
    seconds.observe({ route, status: String(c.res.status) }, elapsed / 1000);
    const { method } = c.req;
    const path = loggedPath(c);
    const requestId = c.get("requestId");
    ctx.log.debug({ requestId, method, path, status: c.res.status, ms: Math.round(elapsed) }, "request.answered");
  };
}
