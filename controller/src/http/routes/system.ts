// GET system: what runs here, for the settings page and for support.
import { createRoute } from "@hono/zod-openapi";
import { acceptDatabaseRequest, databaseState, system } from "@opsconductor/contract/api/system";
import type { Context } from "../../context.ts";
import { describeSystem } from "../../fleet/describe-system.ts";
import { acceptDatabase, readDatabaseState } from "../../fleet/pause-dispatch.ts";
import { jsonBody, jsonResponse, newRouter, problemResponses, type Router } from "../router.ts";

const get = createRoute({
  method: "get",
  path: "/api/v1/system",
  tags: ["Monitoring"],
  summary: "Versions, addresses and the database",
  responses: { 200: jsonResponse(system, "This controller and its cluster"), ...problemResponses },
});

const database = createRoute({
  method: "get",
  path: "/api/v1/system/database",
  tags: ["Monitoring"],
  summary: "Whether work is offered, or a restored database waits to be accepted",
  responses: { 200: jsonResponse(databaseState, "As it is now"), ...problemResponses },
});
const accept = createRoute({
  method: "post",
  path: "/api/v1/system/database/accept",
  tags: ["Monitoring"],
  summary: "Accept a restored database: new fences are higher than all before, agents tell again what they kept",
  request: { body: jsonBody(acceptDatabaseRequest) },
  responses: { 200: jsonResponse(databaseState, "Work goes on"), ...problemResponses },
});

export function systemRoutes(ctx: Context): Router {
  const routes = newRouter();
  routes.openapi(get, async (c) => c.json(await describeSystem(ctx), 200));
  routes.openapi(database, async (c) => c.json(await readDatabaseState(ctx), 200));
  routes.openapi(accept, async (c) => c.json(await acceptDatabase(ctx, c.get("actor"), c.req.valid("json")), 200));
  return routes;
}
