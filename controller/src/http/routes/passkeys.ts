// A person's own passkeys; signing in with one is in routes/auth.ts.
import { createRoute, z } from "@hono/zod-openapi";
import { addedPasskey, ceremony, newPasskey, passkey, passkeyPatch } from "@opsconductor/contract/api/passkeys";
import type { Context } from "../../context.ts";
import { addPasskey, beginPasskey, changePasskey, listPasskeys, removePasskey } from "../../identity/own-passkeys.ts";
import { jsonBody, jsonResponse, newRouter, problemResponses, type Router } from "../router.ts";

const tags = ["Second factors"];
const params = z.object({ id: z.uuid() });
const done = (description: string) => ({ 204: { description }, ...problemResponses });

const list = createRoute({
  method: "get",
  path: "/api/v1/auth/passkeys",
  tags,
  summary: "The caller's passkeys",
  responses: { 200: jsonResponse(z.object({ items: z.array(passkey) }), "All of them"), ...problemResponses },
});
const begin = createRoute({
  method: "post",
  path: "/api/v1/auth/passkeys/options",
  tags,
  summary: "What navigator.credentials.create is asked for a new passkey",
  responses: { 200: jsonResponse(ceremony, "For the browser"), ...problemResponses },
});
const add = createRoute({
  method: "post",
  path: "/api/v1/auth/passkeys",
  tags,
  summary: "Register the passkey that the authenticator made; the first factor answers with recovery codes",
  request: { body: jsonBody(newPasskey) },
  responses: { 201: jsonResponse(addedPasskey, "Registered"), ...problemResponses },
});
const rename = createRoute({
  method: "patch",
  path: "/api/v1/auth/passkeys/{id}",
  tags,
  summary: "Rename a passkey",
  request: { params, body: jsonBody(passkeyPatch) },
  responses: done("Renamed"),
});
const remove = createRoute({
  method: "delete",
  path: "/api/v1/auth/passkeys/{id}",
  tags,
  summary: "Take a passkey away",
  request: { params },
  responses: done("Taken away"),
});

export function passkeyRoutes(ctx: Context): Router {
  const routes = newRouter();
  routes.openapi(list, async (c) => c.json({ items: await listPasskeys(ctx, c.get("actor")) }, 200));
  routes.openapi(begin, async (c) => c.json(await beginPasskey(ctx, c.get("actor")), 200));
  routes.openapi(add, async (c) => c.json(await addPasskey(ctx, c.get("actor"), c.req.valid("json")), 201));
  routes.openapi(rename, async (c) => {
    await changePasskey(ctx, c.get("actor"), { ...c.req.valid("param"), ...c.req.valid("json") });
    return c.body(null, 204);
  });
  routes.openapi(remove, async (c) => {
    await removePasskey(ctx, c.get("actor"), c.req.valid("param").id);
    return c.body(null, 204);
  });
  return routes;
}
