// Groups of targets: the hierarchy that selectors and grants refer to.
import { createRoute, z } from "@hono/zod-openapi";
import { listQuery, page } from "@opsconductor/contract/api/common";
import { group, groupInput, groupPatch, groupTargets, targetGroups } from "@opsconductor/contract/api/groups";
import { target } from "@opsconductor/contract/api/targets";
import { changeGroupTargets, setTargetGroups } from "../../assets/assign-groups.ts";
import { getGroup, listGroups } from "../../assets/get-group.ts";
import { createGroup, deleteGroup, updateGroup } from "../../assets/save-group.ts";
import type { Context } from "../../context.ts";
import { etag, ifMatchHeader, revisionOf } from "../if-match.ts";
import { idOrName, jsonBody, jsonResponse, newRouter, problemResponses, type Router } from "../router.ts";

const tags = ["Targets"];
const params = z.object({ idOrName });
const one = { 200: jsonResponse(group, "The group"), ...problemResponses };

const list = createRoute({
  method: "get",
  path: "/api/v1/groups",
  tags,
  summary: "Groups of targets by name; `parentId` makes the tree",
  request: { query: listQuery },
  responses: { 200: jsonResponse(page(group), "One page"), ...problemResponses },
});
const create = createRoute({
  method: "post",
  path: "/api/v1/groups",
  tags,
  summary: "Add a group",
  request: { body: jsonBody(groupInput) },
  responses: { 201: jsonResponse(group, "Added"), ...problemResponses },
});
const get = createRoute({
  method: "get",
  path: "/api/v1/groups/{idOrName}",
  tags,
  summary: "One group",
  request: { params },
  responses: one,
});
const update = createRoute({
  method: "patch",
  path: "/api/v1/groups/{idOrName}",
  tags,
  summary: "Rename, describe or move a group; grants on the groups above it reach it from then on",
  request: { params, headers: ifMatchHeader, body: jsonBody(groupPatch) },
  responses: one,
});
const remove = createRoute({
  method: "delete",
  path: "/api/v1/groups/{idOrName}",
  tags,
  summary: "Delete a group with nothing below it; its targets stay in the inventory",
  request: { params, headers: ifMatchHeader },
  responses: { 204: { description: "Deleted" }, ...problemResponses },
});
const change = createRoute({
  method: "post",
  path: "/api/v1/groups/{idOrName}/targets",
  tags,
  summary: "Put targets into a group and take others out, by id or name",
  request: { params, body: jsonBody(groupTargets) },
  responses: one,
});
const assign = createRoute({
  method: "put",
  path: "/api/v1/targets/{idOrName}/groups",
  tags,
  summary: "Say which groups a target is in",
  request: { params, body: jsonBody(targetGroups) },
  responses: { 200: jsonResponse(target, "The target"), ...problemResponses },
});

export function groupRoutes(ctx: Context): Router {
  const routes = newRouter();
  routes.openapi(list, async (c) => c.json(await listGroups(ctx, c.get("actor"), c.req.valid("query")), 200));
  routes.openapi(create, async (c) => {
    const created = await createGroup(ctx, c.get("actor"), c.req.valid("json"));
    c.header("Location", `/api/v1/groups/${created.id}`);
    c.header("ETag", etag(created.revision));
    return c.json(created, 201);
  });
  routes.openapi(get, async (c) => {
    const found = await getGroup(ctx, c.get("actor"), c.req.valid("param").idOrName);
    c.header("ETag", etag(found.revision));
    return c.json(found, 200);
  });
  routes.openapi(update, async (c) => {
    const revision = revisionOf(c.req.valid("header")["if-match"]);
    const params = { idOrName: c.req.valid("param").idOrName, patch: c.req.valid("json"), revision };
    const changed = await updateGroup(ctx, c.get("actor"), params);
    c.header("ETag", etag(changed.revision));
    return c.json(changed, 200);
  });
  routes.openapi(remove, async (c) => {
    const revision = revisionOf(c.req.valid("header")["if-match"]);
    await deleteGroup(ctx, c.get("actor"), { idOrName: c.req.valid("param").idOrName, revision });
    return c.body(null, 204);
  });
  routes.openapi(change, async (c) => {
    const params = { ...c.req.valid("json"), idOrName: c.req.valid("param").idOrName };
    return c.json(await changeGroupTargets(ctx, c.get("actor"), params), 200);
  });
  routes.openapi(assign, async (c) => {
    const params = { ...c.req.valid("json"), idOrName: c.req.valid("param").idOrName };
    return c.json(await setTargetGroups(ctx, c.get("actor"), params), 200);
  });
  return routes;
}
