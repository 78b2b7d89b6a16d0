// Second factors: a person's own (auth/factors), and what administrators do about them.
import { createRoute, z } from "@hono/zod-openapi";
import { factors, recoveryCodes, roleMfa, totpConfirmation, totpSetup } from "@opsconductor/contract/api/factors";
import type { Context } from "../../context.ts";
import { beginTotp, finishTotp, ownFactors, removeTotp, renewRecoveryCodes } from "../../identity/own-factors.ts";
import { requireMfa, resetFactors } from "../../identity/reset-factors.ts";
import { idOrName, jsonBody, jsonResponse, newRouter, problemResponses, type Router } from "../router.ts";

const tags = ["Second factors"];
const done = (description: string) => ({ 204: { description }, ...problemResponses });

const own = createRoute({
  method: "get",
  path: "/api/v1/auth/factors",
  tags,
  summary: "The caller's second factors",
  responses: { 200: jsonResponse(factors, "What is set up"), ...problemResponses },
});
const begin = createRoute({
  method: "post",
  path: "/api/v1/auth/factors/totp",
  tags,
  summary: "Begin the setup of an authenticator app; it counts once a code has confirmed it",
  responses: { 201: jsonResponse(totpSetup, "For the app; shown once"), ...problemResponses },
});
const confirm = createRoute({
  method: "post",
  path: "/api/v1/auth/factors/totp/confirm",
  tags,
  summary: "Confirm the app with a code; the first factor answers with recovery codes",
  request: { body: jsonBody(totpConfirmation) },
  responses: { 200: jsonResponse(recoveryCodes, "Confirmed"), ...problemResponses },
});
const remove = createRoute({
  method: "delete",
  path: "/api/v1/auth/factors/totp",
  tags,
  summary: "Take the authenticator app away",
  responses: done("Taken away"),
});
const renew = createRoute({
  method: "post",
  path: "/api/v1/auth/factors/recovery-codes",
  tags,
  summary: "Ten new recovery codes; those before stop working",
  responses: { 201: jsonResponse(recoveryCodes, "Shown once"), ...problemResponses },
});
const reset = createRoute({
  method: "delete",
  path: "/api/v1/users/{idOrName}/factors",
  tags,
  summary: "Take all second factors of a user away, who lost them; all sessions of the user end",
  request: { params: z.object({ idOrName }) },
  responses: done("Reset"),
});
const roleRule = createRoute({
  method: "put",
  path: "/api/v1/roles/{name}/mfa",
  tags,
  summary: "Whether a role needs a second factor; who has none must set one up before anything else",
  request: { params: z.object({ name: z.string().min(1).max(64) }), body: jsonBody(roleMfa) },
  responses: done("Set"),
});

export function factorRoutes(ctx: Context): Router {
  const routes = newRouter();
  routes.openapi(own, async (c) => c.json(await ownFactors(ctx, c.get("actor")), 200));
  routes.openapi(begin, async (c) => c.json(await beginTotp(ctx, c.get("actor")), 201));
  routes.openapi(confirm, async (c) => c.json(await finishTotp(ctx, c.get("actor"), c.req.valid("json").code), 200));
  routes.openapi(remove, async (c) => {
    await removeTotp(ctx, c.get("actor"));
    return c.body(null, 204);
  });
  routes.openapi(renew, async (c) => c.json(await renewRecoveryCodes(ctx, c.get("actor")), 201));
  routes.openapi(reset, async (c) => {
    await resetFactors(ctx, c.get("actor"), c.req.valid("param").idOrName);
    return c.body(null, 204);
  });
  routes.openapi(roleRule, async (c) => {
    const { name } = c.req.valid("param");
    await requireMfa(ctx, c.get("actor"), { name, required: c.req.valid("json").required });
    return c.body(null, 204);
  });
  return routes;
}
