// GET system: what runs here, for the settings page and for support.
import { createRoute } from "@hono/zod-openapi";
import { system } from "@opsconductor/contract/api/system";
import type { Context } from "../../context.ts";
import { describeSystem } from "../../fleet/describe-system.ts";
import { jsonResponse, newRouter, problemResponses, type Router } from "../router.ts";

const get = createRoute({
  method: "get",
  path: "/api/v1/system",
  tags: ["Monitoring"],
  summary: "Versions, addresses and the database",
  responses: { 200: jsonResponse(system, "This controller and its cluster"), ...problemResponses },
});

export function systemRoutes(ctx: Context): Router {
  const routes = newRouter();
  routes.openapi(get, async (c) => c.json(await describeSystem(ctx), 200));
  return routes;
}
