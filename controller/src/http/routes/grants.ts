// Rights: roles of one's own making, roles within a scope, and why somebody may do something.
import { createRoute, z } from "@hono/zod-openapi";
import { storableText } from "@opsconductor/contract/api/common";
import { explainQuery, explanation, grant, grantInput, roleInput, rolePatch } from "@opsconductor/contract/api/grants";
import { role } from "@opsconductor/contract/api/users";
import type { Context } from "../../context.ts";
import { explainAccess } from "../../identity/explain-access.ts";
import { createRole, deleteRole, getRole, updateRole } from "../../identity/save-role.ts";
import { giveGrant, listGrants, takeGrant } from "../../identity/user-grants.ts";
import { idOrName, jsonBody, jsonResponse, newRouter, problemResponses, type Router } from "../router.ts";

const tags = ["People"];
const roleParams = z.object({ name: z.string().min(1).max(64) });
const userParams = z.object({ idOrName });
const oneRole = { 200: jsonResponse(role, "The role"), ...problemResponses };

const create = createRoute({
  method: "post",
  path: "/api/v1/roles",
  tags,
  summary: "Make a role; nobody makes one that may do more than they may themselves",
  request: { body: jsonBody(roleInput) },
  responses: { 201: jsonResponse(role, "Made"), ...problemResponses },
});
const get = createRoute({
  method: "get",
  path: "/api/v1/roles/{name}",
  tags,
  summary: "One role",
  request: { params: roleParams },
  responses: oneRole,
});
const update = createRoute({
  method: "patch",
  path: "/api/v1/roles/{name}",
  tags,
  summary: "Change what is named of a role that is not built in; takes effect at once",
  request: { params: roleParams, body: jsonBody(rolePatch) },
  responses: oneRole,
});
const remove = createRoute({
  method: "delete",
  path: "/api/v1/roles/{name}",
  tags,
  summary: "Delete a role that nobody has, or give another in its place",
  request: { params: roleParams, query: z.object({ reassign: storableText(64).min(1).optional() }) },
  responses: { 204: { description: "Deleted" }, ...problemResponses },
});
const list = createRoute({
  method: "get",
  path: "/api/v1/users/{idOrName}/grants",
  tags,
  summary: "Roles that a user or service account has within a scope",
  request: { params: userParams },
  responses: { 200: jsonResponse(z.object({ items: z.array(grant) }), "All grants"), ...problemResponses },
});
const give = createRoute({
  method: "post",
  path: "/api/v1/users/{idOrName}/grants",
  tags,
  summary: "Give a role within a scope; takes effect at once",
  request: { params: userParams, body: jsonBody(grantInput) },
  responses: { 201: jsonResponse(grant, "Given"), ...problemResponses },
});
const take = createRoute({
  method: "delete",
  path: "/api/v1/users/{idOrName}/grants/{id}",
  tags,
  summary: "Take a grant back; takes effect at once",
  request: { params: userParams.extend({ id: z.uuid() }) },
  responses: { 204: { description: "Taken back" }, ...problemResponses },
});
const explain = createRoute({
  method: "get",
  path: "/api/v1/access/explain",
  tags,
  summary: "Why a user may do something, or may not, with the role or grant that decides",
  request: { query: explainQuery },
  responses: { 200: jsonResponse(explanation, "The reason in one sentence, and its parts"), ...problemResponses },
});

export function grantRoutes(ctx: Context): Router {
  const routes = newRouter();
  routes.openapi(create, async (c) => {
    const created = await createRole(ctx, c.get("actor"), c.req.valid("json"));
    c.header("Location", `/api/v1/roles/${created.name}`);
    return c.json(created, 201);
  });
  routes.openapi(get, async (c) => c.json(await getRole(ctx, c.req.valid("param").name), 200));
  routes.openapi(update, async (c) => {
    const params = { name: c.req.valid("param").name, patch: c.req.valid("json") };
    return c.json(await updateRole(ctx, c.get("actor"), params), 200);
  });
  routes.openapi(remove, async (c) => {
    const params = { name: c.req.valid("param").name, reassign: c.req.valid("query").reassign };
    await deleteRole(ctx, c.get("actor"), params);
    return c.body(null, 204);
  });
  routes.openapi(list, async (c) => c.json({ items: await listGrants(ctx, c.req.valid("param").idOrName) }, 200));
  routes.openapi(give, async (c) => {
    const params = { ...c.req.valid("json"), idOrName: c.req.valid("param").idOrName };
    return c.json(await giveGrant(ctx, c.get("actor"), params), 201);
  });
  routes.openapi(take, async (c) => {
    await takeGrant(ctx, c.get("actor"), c.req.valid("param"));
    return c.body(null, 204);
  });
  routes.openapi(explain, async (c) => c.json(await explainAccess(ctx, c.get("actor"), c.req.valid("query")), 200));
  return routes;
}
