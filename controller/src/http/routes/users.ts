// People: users, the links with which they set a password, their sessions, and the roles there are.
import { createRoute, z } from "@hono/zod-openapi";
import { page } from "@opsconductor/contract/api/common";
import {
  createdUser,
  passwordLink,
  role,
  userInput,
  userListQuery,
  userPatch,
  userRecord,
  userSession,
} from "@opsconductor/contract/api/users";
import type { Context } from "../../context.ts";
import { createUser } from "../../identity/create-user.ts";
import { getUser } from "../../identity/find-user.ts";
import { listRoles, listUsers } from "../../identity/list-users.ts";
import { issuePasswordLink } from "../../identity/password-links.ts";
import { updateUser } from "../../identity/update-user.ts";
import { endSession, listSessions } from "../../identity/user-sessions.ts";
import { etag, ifMatchHeader, revisionOf } from "../if-match.ts";
import { idOrName, jsonBody, jsonResponse, newRouter, problemResponses, type Router } from "../router.ts";

const tags = ["People"];
const params = z.object({ idOrName });
const one = { 200: jsonResponse(userRecord, "The user"), ...problemResponses };

const list = createRoute({
  method: "get",
  path: "/api/v1/users",
  tags,
  summary: "Users by name",
  request: { query: userListQuery },
  responses: { 200: jsonResponse(page(userRecord), "One page"), ...problemResponses },
});
const create = createRoute({
  method: "post",
  path: "/api/v1/users",
  tags,
  summary: "Add a user; the link with which they set their password is shown once",
  request: { body: jsonBody(userInput) },
  responses: { 201: jsonResponse(createdUser, "Added"), ...problemResponses },
});
const get = createRoute({
  method: "get",
  path: "/api/v1/users/{idOrName}",
  tags,
  summary: "One user",
  request: { params },
  responses: one,
});
const update = createRoute({
  method: "patch",
  path: "/api/v1/users/{idOrName}",
  tags,
  summary: "Change what is named; roles are replaced whole; active: false ends all sessions",
  request: { params, headers: ifMatchHeader, body: jsonBody(userPatch) },
  responses: one,
});
const link = createRoute({
  method: "post",
  path: "/api/v1/users/{idOrName}/password-link",
  tags,
  summary: "A one-time link for a user who lost the password, or the invitation; earlier links stop working",
  request: { params },
  responses: { 201: jsonResponse(passwordLink, "Shown once"), ...problemResponses },
});
const sessions = createRoute({
  method: "get",
  path: "/api/v1/users/{idOrName}/sessions",
  tags,
  summary: "Where a user is signed in",
  request: { params },
  responses: { 200: jsonResponse(z.object({ items: z.array(userSession) }), "Open sessions"), ...problemResponses },
});
const end = createRoute({
  method: "delete",
  path: "/api/v1/users/{idOrName}/sessions/{id}",
  tags,
  summary: "Sign a user out of one place",
  request: { params: params.extend({ id: z.uuid() }) },
  responses: { 204: { description: "Ended" }, ...problemResponses },
});
const roles = createRoute({
  method: "get",
  path: "/api/v1/roles",
  tags,
  summary: "The roles there are, and what each may do",
  responses: { 200: jsonResponse(z.object({ items: z.array(role) }), "All roles"), ...problemResponses },
});

export function userRoutes(ctx: Context): Router {
  const routes = newRouter();
  routes.openapi(list, async (c) => c.json(await listUsers(ctx, c.req.valid("query")), 200));
  routes.openapi(create, async (c) => {
    const created = await createUser(ctx, c.get("actor"), c.req.valid("json"));
    c.header("Location", `/api/v1/users/${created.id}`);
    c.header("ETag", etag(created.revision));
    return c.json(created, 201);
  });
  routes.openapi(get, async (c) => {
    const found = await getUser(ctx, c.req.valid("param").idOrName);
    c.header("ETag", etag(found.revision));
    return c.json(found, 200);
  });
  routes.openapi(update, async (c) => {
    const revision = revisionOf(c.req.valid("header")["if-match"]);
    const { idOrName } = c.req.valid("param");
    const changed = await updateUser(ctx, c.get("actor"), { idOrName, patch: c.req.valid("json"), revision });
    c.header("ETag", etag(changed.revision));
    return c.json(changed, 200);
  });
  routes.openapi(link, async (c) =>
    c.json(await issuePasswordLink(ctx, c.get("actor"), c.req.valid("param").idOrName), 201),
  );
  routes.openapi(sessions, async (c) =>
    c.json({ items: await listSessions(ctx, c.get("actor"), c.req.valid("param").idOrName) }, 200),
  );
  routes.openapi(end, async (c) => {
    await endSession(ctx, c.get("actor"), c.req.valid("param"));
    return c.body(null, 204);
  });
  routes.openapi(roles, async (c) => c.json({ items: await listRoles(ctx) }, 200));
  return routes;
}
