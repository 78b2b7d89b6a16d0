// Inventory: targets, and what a selector means now.
import { createRoute, z } from "@hono/zod-openapi";
import { page } from "@opsconductor/contract/api/common";
import {
  resolveQuery,
  resolveResponse,
  target,
  targetInput,
  targetListQuery,
  targetPatch,
} from "@opsconductor/contract/api/targets";
import { createTarget } from "../../assets/create-target.ts";
import { deleteTarget } from "../../assets/delete-target.ts";
import { getTarget } from "../../assets/get-target.ts";
import { listTargets } from "../../assets/list-targets.ts";
import { updateTarget } from "../../assets/update-target.ts";
import { previewRun } from "../../automation/preview-run.ts";
import type { Context } from "../../context.ts";
import { etag, ifMatchHeader, revisionOf } from "../if-match.ts";
import { idOrName, jsonBody, jsonResponse, newRouter, problemResponses, type Router } from "../router.ts";

const tags = ["Targets"];
const params = z.object({ idOrName });
const one = { 200: jsonResponse(target, "The target"), ...problemResponses };

const list = createRoute({
  method: "get",
  path: "/api/v1/targets",
  tags,
  summary: "The inventory by name; `facts` is empty here",
  request: { query: targetListQuery },
  responses: { 200: jsonResponse(page(target), "One page"), ...problemResponses },
});
const create = createRoute({
  method: "post",
  path: "/api/v1/targets",
  tags,
  summary: "Add a target",
  request: { body: jsonBody(targetInput) },
  responses: { 201: jsonResponse(target, "Added"), ...problemResponses },
});
const resolve = createRoute({
  method: "get",
  path: "/api/v1/targets/resolve",
  tags,
  summary: "Exactly which targets a selector or a list of names means now",
  request: { query: resolveQuery },
  responses: { 200: jsonResponse(resolveResponse, "The count, and the first of them"), ...problemResponses },
});
const get = createRoute({
  method: "get",
  path: "/api/v1/targets/{idOrName}",
  tags,
  summary: "One target with its facts",
  request: { params },
  responses: one,
});
const update = createRoute({
  method: "patch",
  path: "/api/v1/targets/{idOrName}",
  tags,
  summary: "Change what is named; labels, attributes and services are replaced whole",
  request: { params, headers: ifMatchHeader, body: jsonBody(targetPatch) },
  responses: one,
});
const remove = createRoute({
  method: "delete",
  path: "/api/v1/targets/{idOrName}",
  tags,
  summary: "Take a target out of the inventory; its history stays",
  request: { params, headers: ifMatchHeader },
  responses: { 204: { description: "Deleted" }, ...problemResponses },
});

export function targetRoutes(ctx: Context): Router {
  const routes = newRouter();
  routes.openapi(list, async (c) => c.json(await listTargets(ctx, c.get("actor"), c.req.valid("query")), 200));
  routes.openapi(create, async (c) => {
    const created = await createTarget(ctx, c.get("actor"), c.req.valid("json"));
    c.header("Location", `/api/v1/targets/${created.id}`);
    c.header("ETag", etag(created.revision));
    return c.json(created, 201);
  });
  // Before {idOrName}, which would take it for a name.
  routes.openapi(resolve, async (c) => c.json(await previewRun(ctx, c.get("actor"), c.req.valid("query")), 200));
  routes.openapi(get, async (c) => {
    const found = await getTarget(ctx, c.get("actor"), c.req.valid("param").idOrName);
    c.header("ETag", etag(found.revision));
    return c.json(found, 200);
  });
  routes.openapi(update, async (c) => {
    const revision = revisionOf(c.req.valid("header")["if-match"]);
    const { idOrName } = c.req.valid("param");
    const changed = await updateTarget(ctx, c.get("actor"), { idOrName, patch: c.req.valid("json"), revision });
    c.header("ETag", etag(changed.revision));
    return c.json(changed, 200);
  });
  routes.openapi(remove, async (c) => {
    const revision = revisionOf(c.req.valid("header")["if-match"]);
    await deleteTarget(ctx, c.get("actor"), { idOrName: c.req.valid("param").idOrName, revision });
    return c.body(null, 204);
  });
  return routes;
}
