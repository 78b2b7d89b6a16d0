// How much may run and begin at once.
import { createRoute } from "@hono/zod-openapi";
import { limits, limitsRequest } from "@opsconductor/contract/api/limits";
import { getLimits, setLimits } from "../../automation/limits.ts";
import type { Context } from "../../context.ts";
import { jsonBody, jsonResponse, newRouter, problemResponses, type Router } from "../router.ts";

const tags = ["Monitoring"];
const get = createRoute({
  method: "get",
  path: "/api/v1/limits",
  tags,
  summary: "How many assignments run at once, the brake on starts, and what waits because of them",
  responses: { 200: jsonResponse(limits, "As they are now"), ...problemResponses },
});
const put = createRoute({
  method: "put",
  path: "/api/v1/limits",
  tags,
  summary: "Set the limits and the brake; they hold at once, for what has not begun",
  request: { body: jsonBody(limitsRequest) },
  responses: { 200: jsonResponse(limits, "As they are now"), ...problemResponses },
});

export function limitRoutes(ctx: Context): Router {
  const routes = newRouter();
  routes.openapi(get, async (c) => c.json(await getLimits(ctx, c.get("actor")), 200));
  routes.openapi(put, async (c) => c.json(await setLimits(ctx, c.get("actor"), c.req.valid("json")), 200));
  return routes;
}
