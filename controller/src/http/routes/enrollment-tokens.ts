// Join tokens: made, listed, taken back.
import { createRoute, z } from "@hono/zod-openapi";
import { createdEnrollmentToken, enrollmentToken, enrollmentTokenInput } from "@opsconductor/contract/api/agents";
import { listQuery, page } from "@opsconductor/contract/api/common";
import type { Context } from "../../context.ts";
import { checkTokenInput, createEnrollmentToken } from "../../fleet/create-enrollment-token.ts";
import { joinCommand, makeInstaller } from "../../fleet/installer.ts";
import { listEnrollmentTokens } from "../../fleet/list-enrollment-tokens.ts";
import { revokeEnrollmentToken } from "../../fleet/revoke-enrollment-token.ts";
import { jsonBody, jsonResponse, newRouter, problemResponses, type Router } from "../router.ts";

const tags = ["Agents"];

const list = createRoute({
  method: "get",
  path: "/api/v1/enrollment-tokens",
  tags,
  summary: "Join tokens, newest first; their secrets are shown at creation only",
  request: { query: listQuery.omit({ q: true }) },
  responses: { 200: jsonResponse(page(enrollmentToken), "One page"), ...problemResponses },
});
const create = createRoute({
  method: "post",
  path: "/api/v1/enrollment-tokens",
  tags,
  summary: "Make a one-time join token, and the command that carries it to a host",
  description: "The first call after an upgrade prepares the agent's archive and takes some seconds.",
  request: { body: jsonBody(enrollmentTokenInput) },
  responses: { 201: jsonResponse(createdEnrollmentToken, "Made; the token is shown this once"), ...problemResponses },
});
const revoke = createRoute({
  method: "delete",
  path: "/api/v1/enrollment-tokens/{id}",
  tags,
  summary: "Take back a token that nobody used yet",
  request: { params: z.object({ id: z.string().max(64) }) },
  responses: { 204: { description: "Revoked" }, ...problemResponses },
});

export function enrollmentTokenRoutes(ctx: Context): Router {
  const routes = newRouter();
  routes.openapi(list, async (c) => c.json(await listEnrollmentTokens(ctx, c.get("actor"), c.req.valid("query")), 200));
  routes.openapi(create, async (c) => {
    const input = c.req.valid("json");
    checkTokenInput(input); // a mistake need not wait for the archive
    const installer = await makeInstaller(ctx); // before the token, whose time begins to run when it is made
    const created = await createEnrollmentToken(ctx, c.get("actor"), input);
    const command = joinCommand(ctx, installer, created.token);
    c.header("Cache-Control", "no-store");
    return c.json({ ...created, command, installerSha256: installer.sha256 }, 201);
  });
  routes.openapi(revoke, async (c) => {
    await revokeEnrollmentToken(ctx, c.get("actor"), c.req.valid("param"));
    return c.body(null, 204);
  });
  return routes;
}
