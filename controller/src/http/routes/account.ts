// A person's own account: profile, preferences, history of sign-ins; and the history of others for those who may see users.
import { createRoute, z } from "@hono/zod-openapi";
import { preferences, profilePatch, signInEntry, signInQuery } from "@opsconductor/contract/api/account";
import { user } from "@opsconductor/contract/api/auth";
import { page } from "@opsconductor/contract/api/common";
import type { Context } from "../../context.ts";
import { changePreferences, changeProfile, readPreferences } from "../../identity/own-account.ts";
import { listSignIns } from "../../identity/sign-in-history.ts";
import { idOrName, jsonBody, jsonResponse, newRouter, problemResponses, type Router } from "../router.ts";

const tags = ["Account"];

const profile = createRoute({
  method: "patch",
  path: "/api/v1/auth/me",
  tags,
  summary: "Change the caller's own profile",
  request: { body: jsonBody(profilePatch) },
  responses: { 200: jsonResponse(user, "The caller"), ...problemResponses },
});
const getPreferences = createRoute({
  method: "get",
  path: "/api/v1/auth/preferences",
  tags,
  summary: "How the caller likes the console",
  responses: { 200: jsonResponse(preferences, "What was set"), ...problemResponses },
});
const setPreferences = createRoute({
  method: "patch",
  path: "/api/v1/auth/preferences",
  tags,
  summary: "Set what is named, for every browser of the caller",
  request: { body: jsonBody(preferences) },
  responses: { 200: jsonResponse(preferences, "What is set now"), ...problemResponses },
});
const own = createRoute({
  method: "get",
  path: "/api/v1/auth/sign-ins",
  tags,
  summary: "When, from where and how the caller signed in, refusals included; newest first",
  request: { query: signInQuery },
  responses: { 200: jsonResponse(page(signInEntry), "One page"), ...problemResponses },
});
const others = createRoute({
  method: "get",
  path: "/api/v1/users/{idOrName}/sign-ins",
  tags,
  summary: "When, from where and how a user signed in, refusals included; newest first",
  request: { params: z.object({ idOrName }), query: signInQuery },
  responses: { 200: jsonResponse(page(signInEntry), "One page"), ...problemResponses },
});

export function accountRoutes(ctx: Context): Router {
  const routes = newRouter();
  routes.openapi(profile, async (c) => c.json(await changeProfile(ctx, c.get("actor"), c.req.valid("json")), 200));
  routes.openapi(getPreferences, async (c) => c.json(await readPreferences(ctx, c.get("actor")), 200));
  routes.openapi(setPreferences, async (c) =>
    c.json(await changePreferences(ctx, c.get("actor"), c.req.valid("json")), 200),
  );
  routes.openapi(own, async (c) => c.json(await listSignIns(ctx, c.get("actor").id!, c.req.valid("query")), 200));
  routes.openapi(others, async (c) =>
    c.json(await listSignIns(ctx, c.req.valid("param").idOrName, c.req.valid("query")), 200),
  );
  return routes;
}
