// One id a request, in its answer, its log lines and its audit rows: the caller's own when it is well formed.
import type { MiddlewareHandler } from "hono";
import type { Context } from "../context.ts";
import type { HttpEnv } from "./router.ts";

export function requestIds(ctx: Context): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const given = c.req.header("x-request-id");
    const requestId = given && /^[A-Za-z0-9._-]{8,64}$/.test(given) ? given : ctx.newId();
    c.set("requestId", requestId);
    await next();
    c.header("X-Request-Id", requestId);
  };
}
