// The overview page in one request.
import { createRoute } from "@hono/zod-openapi";
import { overview } from "@opsconductor/contract/api/system";
import { readOverview } from "../../automation/read-overview.ts";
import type { Context } from "../../context.ts";
import { jsonResponse, newRouter, problemResponses, type Router } from "../router.ts";

const get = createRoute({
  method: "get",
  path: "/api/v1/overview",
  tags: ["Monitoring"],
  summary: "What is wrong now, what runs, what finished lately",
  responses: { 200: jsonResponse(overview, "The overview"), ...problemResponses },
});

export function overviewRoutes(ctx: Context): Router {
  const routes = newRouter();
  routes.openapi(get, async (c) => c.json(await readOverview(ctx, c.get("actor")), 200));
  return routes;
}
