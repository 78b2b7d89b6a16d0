// API tokens, one's own and everybody's, and service accounts.
import { createRoute, z } from "@hono/zod-openapi";
import { listQuery, page } from "@opsconductor/contract/api/common";
import {
  apiToken,
  apiTokenInput,
  apiTokenListQuery,
  createdApiToken,
  ownTokens,
  serviceAccount,
  serviceAccountInput,
  serviceAccountPage,
  serviceAccountPatch,
} from "@opsconductor/contract/api/tokens";
import type { Context } from "../../context.ts";
import {
  createOwnToken,
  createServiceToken,
  listOwnTokens,
  listTokens,
  revokeOwnToken,
  revokeToken,
} from "../../identity/api-tokens.ts";
import {
  createServiceAccount,
  getServiceAccount,
  listServiceAccounts,
  updateServiceAccount,
} from "../../identity/service-accounts.ts";
import { tokenRules } from "../../identity/token-rules.ts";
import { etag, ifMatchHeader, revisionOf } from "../if-match.ts";
import { type Http, idOrName, jsonBody, jsonResponse, newRouter, problemResponses, type Router } from "../router.ts";

const tags = ["API tokens"];
const params = z.object({ idOrName });
const tokenId = z.object({ id: z.uuid() });
const made = { 201: jsonResponse(createdApiToken, "Made; the token is shown this once"), ...problemResponses };
const revoked = { 204: { description: "Revoked; within two seconds on every controller" }, ...problemResponses };
const oneAccount = { 200: jsonResponse(serviceAccount, "The service account"), ...problemResponses };

const listOwn = createRoute({
  method: "get",
  path: "/api/v1/auth/tokens",
  tags,
  summary: "The caller's own API tokens, newest first, and the rules for new ones",
  responses: { 200: jsonResponse(ownTokens, "All of them"), ...problemResponses },
});
const createOwn = createRoute({
  method: "post",
  path: "/api/v1/auth/tokens",
  tags,
  summary: "Make an API token for oneself",
  description: "Called with an API token, it makes one that is no wider, lives no longer, and is revoked with it.",
  request: { body: jsonBody(apiTokenInput) },
  responses: made,
});
const revokeOwn = createRoute({
  method: "delete",
  path: "/api/v1/auth/tokens/{id}",
  tags,
  summary: "Revoke an own API token and those that were made with it",
  description: "Called with an API token, it revokes only itself and what was made with it.",
  request: { params: tokenId },
  responses: revoked,
});
const list = createRoute({
  method: "get",
  path: "/api/v1/tokens",
  tags,
  summary: "Everybody's API tokens, newest first",
  request: { query: apiTokenListQuery },
  responses: { 200: jsonResponse(page(apiToken), "One page"), ...problemResponses },
});
const revoke = createRoute({
  method: "delete",
  path: "/api/v1/tokens/{id}",
  tags,
  summary: "Revoke anybody's API token and those that were made with it",
  request: { params: tokenId },
  responses: revoked,
});
const listAccounts = createRoute({
  method: "get",
  path: "/api/v1/service-accounts",
  tags,
  summary: "Service accounts by name, and the rules for their tokens",
  request: { query: listQuery },
  responses: { 200: jsonResponse(serviceAccountPage, "One page"), ...problemResponses },
});
const createAccount = createRoute({
  method: "post",
  path: "/api/v1/service-accounts",
  tags,
  summary: "Add a service account: it has roles like a user, and signs in with API tokens only",
  request: { body: jsonBody(serviceAccountInput) },
  responses: { 201: jsonResponse(serviceAccount, "Added"), ...problemResponses },
});
const getAccount = createRoute({
  method: "get",
  path: "/api/v1/service-accounts/{idOrName}",
  tags,
  summary: "One service account",
  request: { params },
  responses: oneAccount,
});
const updateAccount = createRoute({
  method: "patch",
  path: "/api/v1/service-accounts/{idOrName}",
  tags,
  summary: "Change what is named; roles are replaced whole; active: false stops all its tokens",
  request: { params, headers: ifMatchHeader, body: jsonBody(serviceAccountPatch) },
  responses: oneAccount,
});
const createForAccount = createRoute({
  method: "post",
  path: "/api/v1/service-accounts/{idOrName}/tokens",
  tags,
  summary: "Make an API token for a service account that may do no more than the caller",
  request: { params, body: jsonBody(apiTokenInput) },
  responses: made,
});

export function tokenRoutes(ctx: Context): Router {
  const routes = newRouter();
  addTokens(routes, ctx);
  addAccounts(routes, ctx);
  return routes;
}

const neverStored = (c: Http) => c.header("Cache-Control", "no-store");

function addTokens(routes: Router, ctx: Context): void {
  routes.openapi(listOwn, async (c) =>
    c.json({ items: await listOwnTokens(ctx, c.get("actor")), rules: tokenRules(ctx) }, 200),
  );
  routes.openapi(createOwn, async (c) => {
    const created = await createOwnToken(ctx, c.get("actor"), c.req.valid("json"));
    neverStored(c);
    return c.json(created, 201);
  });
  routes.openapi(revokeOwn, async (c) => {
    await revokeOwnToken(ctx, c.get("actor"), c.req.valid("param").id);
    return c.body(null, 204);
  });
  routes.openapi(list, async (c) => c.json(await listTokens(ctx, c.req.valid("query")), 200));
  routes.openapi(revoke, async (c) => {
    await revokeToken(ctx, c.get("actor"), c.req.valid("param").id);
    return c.body(null, 204);
  });
}

function addAccounts(routes: Router, ctx: Context): void {
  routes.openapi(listAccounts, async (c) => c.json(await listServiceAccounts(ctx, c.req.valid("query")), 200));
  routes.openapi(createAccount, async (c) => {
    const created = await createServiceAccount(ctx, c.get("actor"), c.req.valid("json"));
    c.header("Location", `/api/v1/service-accounts/${created.id}`);
    c.header("ETag", etag(created.revision));
    return c.json(created, 201);
  });
  routes.openapi(getAccount, async (c) => {
    const found = await getServiceAccount(ctx, c.req.valid("param").idOrName);
    c.header("ETag", etag(found.revision));
    return c.json(found, 200);
  });
  routes.openapi(updateAccount, async (c) => {
    const revision = revisionOf(c.req.valid("header")["if-match"]);
    const { idOrName } = c.req.valid("param");
    const changed = await updateServiceAccount(ctx, c.get("actor"), { idOrName, patch: c.req.valid("json"), revision });
    c.header("ETag", etag(changed.revision));
    return c.json(changed, 200);
  });
  routes.openapi(createForAccount, async (c) => {
    const { idOrName } = c.req.valid("param");
    const created = await createServiceToken(ctx, c.get("actor"), idOrName, c.req.valid("json"));
    neverStored(c);
    return c.json(created, 201);
  });
}
