// The fresh proof that dangerous acts ask for; see contract/src/permissions.ts for which they are.
import { createRoute } from "@hono/zod-openapi";
import { ceremony } from "@opsconductor/contract/api/passkeys";
import { stepUpRequest } from "@opsconductor/contract/api/step-up";
import type { Context } from "../../context.ts";
import { beginPasskeyStepUp, stepUp } from "../../identity/step-up.ts";
import { jsonBody, jsonResponse, newRouter, problemResponses, type Router } from "../router.ts";

const tags = ["Sign-in"];

const options = createRoute({
  method: "post",
  path: "/api/v1/auth/step-up/options",
  tags,
  summary: "What navigator.credentials.get is asked for a proof with a passkey",
  responses: { 200: jsonResponse(ceremony, "For the browser"), ...problemResponses },
});
const prove = createRoute({
  method: "post",
  path: "/api/v1/auth/step-up",
  tags,
  summary: "Prove again who is calling, after reauthentication_required; then repeat the request",
  request: { body: jsonBody(stepUpRequest) },
  responses: { 204: { description: "Proven, for some minutes" }, ...problemResponses },
});

export function stepUpRoutes(ctx: Context): Router {
  const routes = newRouter();
  routes.openapi(options, async (c) => c.json(await beginPasskeyStepUp(ctx, c.get("actor")), 200));
  routes.openapi(prove, async (c) => {
    await stepUp(ctx, c.get("actor"), c.req.valid("json"));
    return c.body(null, 204);
  });
  return routes;
}
