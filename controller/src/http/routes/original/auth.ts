// Sign-in at the original's paths: the refresh token travels in the body, as programs of then expect it.
import { createRoute, z } from "@hono/zod-openapi";
import { originalLogin, originalLogout, originalRefresh, originalTokens } from "@opsconductor/contract/api/original";
import type { Context } from "../../../context.ts";
import { accessTokenSeconds } from "../../../identity/access-tokens.ts";
import { refreshSession } from "../../../identity/refresh-session.ts";
import { signIn } from "../../../identity/sign-in.ts";
import { signOut } from "../../../identity/sign-out.ts";
import { jsonBody, jsonResponse, newRouter, problemResponses, type Router } from "../../router.ts";
import { userAgentOf } from "../../user-agent.ts";
import { toOriginalUser } from "./shapes.ts";

const tags = ["Paths of the original"];
const responses = { 200: jsonResponse(originalTokens, "Signed in"), ...problemResponses };
const login = createRoute({
  method: "post",
  path: "/auth/login",
  tags,
  summary: "Sign in",
  request: { body: jsonBody(originalLogin) },
  responses,
});
const refresh = createRoute({
  method: "post",
  path: "/auth/refresh",
  tags,
  summary: "Exchange a refresh token for new tokens",
  request: { body: jsonBody(originalRefresh) },
  responses,
});
const logout = createRoute({
  method: "post",
  path: "/auth/logout",
  tags,
  summary: "End the session",
  request: { body: { ...jsonBody(originalLogout), required: false } },
  responses: { 200: jsonResponse(z.object({ success: z.boolean() }), "Signed out"), ...problemResponses },
});

type SignedIn = Awaited<ReturnType<typeof signIn>>;
const answer = ({ accessToken, refreshToken, user }: SignedIn) => ({
  access_token: accessToken,
  refresh_token: refreshToken,
  token_type: "bearer" as const,
  expires_in: accessTokenSeconds,
  user: toOriginalUser(user),
});

export function originalAuthRoutes(ctx: Context): Router {
  const routes = newRouter();
  routes.openapi(login, async (c) => {
    const signedIn = await signIn(ctx, c.get("actor"), { ...c.req.valid("json"), userAgent: userAgentOf(c) });
    return c.json(answer(signedIn), 200);
  });
  routes.openapi(refresh, async (c) => {
    const refreshToken = c.req.valid("json").refresh_token;
    return c.json(answer(await refreshSession(ctx, c.get("actor"), { refreshToken, userAgent: userAgentOf(c) })), 200);
  });
  routes.openapi(logout, async (c) => {
    await signOut(ctx, c.get("actor"), c.req.valid("json").refresh_token);
    return c.json({ success: true }, 200);
  });
  return routes;
}
