// /metrics for Prometheus: from this machine itself, or with a token that may read the system.
import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "../../context.ts";
import { newRouter, problemResponses, type Router } from "../router.ts";

const metrics = createRoute({
  method: "get",
  path: "/metrics",
  tags: ["Monitoring"],
  summary: "Prometheus metrics",
  responses: {
    200: { description: "The figures", content: { "text/plain": { schema: z.string() } } },
    ...problemResponses,
  },
});

export function metricsRoutes(ctx: Context): Router {
  const routes = newRouter();
  routes.openapi(metrics, async (c) =>
    c.text(await ctx.metrics.metrics(), 200, { "Content-Type": ctx.metrics.contentType }),
  );
  return routes;
}
