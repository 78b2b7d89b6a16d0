// Sign-in routes: auth/login, refresh, logout, me, password.
import { createRoute, z } from "@hono/zod-openapi";
import { loginRequest, loginResponse, passwordRequest, user } from "@opsconductor/contract/api/auth";
import { loginCodeRequest } from "@opsconductor/contract/api/factors";
import { signedOut } from "@opsconductor/contract/api/oidc";
import { ceremony, passkeyLoginOptions, passkeyProof } from "@opsconductor/contract/api/passkeys";
import {
  goodPasswordLink,
  passwordLinkCheck,
  passwordLinkRequest,
  userSession,
} from "@opsconductor/contract/api/users";
import { isSecure } from "../../addresses.ts";
import type { Context } from "../../context.ts";
import { accessTokenSeconds } from "../../identity/access-tokens.ts";
import { changePassword } from "../../identity/change-password.ts";
import { currentUser } from "../../identity/current-user.ts";
import { checkPasswordLink, usePasswordLink } from "../../identity/password-links.ts";
import { refreshSession } from "../../identity/refresh-session.ts";
import { signIn } from "../../identity/sign-in.ts";
import { signInWithCode } from "../../identity/sign-in-with-code.ts";
import { beginPasskeySignIn, signInWithPasskey } from "../../identity/sign-in-with-passkey.ts";
import { signOut } from "../../identity/sign-out.ts";
import { endSession, listSessions } from "../../identity/user-sessions.ts";
import { clearRefreshCookie, readRefreshCookie, setRefreshCookie } from "../refresh-cookie.ts";
import { type Http, jsonBody, jsonResponse, newRouter, problemResponses, type Router } from "../router.ts";
import { userAgentOf } from "../user-agent.ts";

const tags = ["Sign-in"];
const tokenResponses = {
  200: jsonResponse(loginResponse, "Signed in; the refresh token is in an HttpOnly cookie"),
  ...problemResponses,
};

const login = createRoute({
  method: "post",
  path: "/api/v1/auth/login",
  tags,
  summary: "Sign in",
  request: { body: jsonBody(loginRequest) },
  responses: tokenResponses,
});
const loginCode = createRoute({
  method: "post",
  path: "/api/v1/auth/login/code",
  tags,
  summary: "The second step of a sign-in: a code of the authenticator app, or a recovery code",
  request: { body: jsonBody(loginCodeRequest) },
  responses: tokenResponses,
});
const passkeyOptions = createRoute({
  method: "post",
  path: "/api/v1/auth/passkey/options",
  tags,
  summary: "What navigator.credentials.get is asked for a sign-in with a passkey",
  request: { body: jsonBody(passkeyLoginOptions) },
  responses: { 200: jsonResponse(ceremony, "For the browser"), ...problemResponses },
});
const passkey = createRoute({
  method: "post",
  path: "/api/v1/auth/passkey",
  tags,
  summary: "Sign in with a passkey: alone, or after the password",
  request: { body: jsonBody(passkeyProof) },
  responses: tokenResponses,
});
const refresh = createRoute({
  method: "post",
  path: "/api/v1/auth/refresh",
  tags,
  summary: "Get a new access token with the refresh cookie",
  responses: tokenResponses,
});
const logout = createRoute({
  method: "post",
  path: "/api/v1/auth/logout",
  tags,
  summary: "End the session of the refresh cookie",
  responses: {
    200: jsonResponse(signedOut, "Signed out here; the session had begun at a provider, which can end its own"),
    204: { description: "Signed out" },
    ...problemResponses,
  },
});
const me = createRoute({
  method: "get",
  path: "/api/v1/auth/me",
  tags,
  summary: "Who is signed in, with the permissions of this moment",
  responses: { 200: jsonResponse(user, "The signed-in user"), ...problemResponses },
});
const password = createRoute({
  method: "post",
  path: "/api/v1/auth/password",
  tags,
  summary: "Change the own password; all other sessions end",
  request: { body: jsonBody(passwordRequest) },
  responses: { 204: { description: "Changed" }, ...problemResponses },
});

const passwordLink = createRoute({
  method: "post",
  path: "/api/v1/auth/password-link",
  tags,
  summary: "Set a password with a one-time link; all sessions of the user end",
  request: { body: jsonBody(passwordLinkRequest) },
  responses: { 204: { description: "Set: sign in with it" }, ...problemResponses },
});
const passwordLinkState = createRoute({
  method: "post",
  path: "/api/v1/auth/password-link/check",
  tags,
  summary: "Whether a one-time link still works: 404 when it was used, replaced or is too old",
  request: { body: jsonBody(passwordLinkCheck) },
  responses: { 200: jsonResponse(goodPasswordLink, "It works"), ...problemResponses },
});
const sessions = createRoute({
  method: "get",
  path: "/api/v1/auth/sessions",
  tags,
  summary: "Where the caller is signed in",
  responses: { 200: jsonResponse(z.object({ items: z.array(userSession) }), "Open sessions"), ...problemResponses },
});
const endOwn = createRoute({
  method: "delete",
  path: "/api/v1/auth/sessions/{id}",
  tags,
  summary: "Sign the caller out of one place",
  request: { params: z.object({ id: z.uuid() }) },
  responses: { 204: { description: "Ended" }, ...problemResponses },
});

export function authRoutes(ctx: Context): Router {
  const secure = isSecure(ctx.config);
  const answer = (c: Http, { refreshToken, expiresAt, accessToken, user }: Awaited<ReturnType<typeof signIn>>) => {
    setRefreshCookie(c, secure, refreshToken, expiresAt);
    return { accessToken, expiresIn: accessTokenSeconds, user };
  };
  const routes = newRouter();
  routes.openapi(login, async (c) => {
    const tokens = await signIn(ctx, c.get("actor"), { ...c.req.valid("json"), userAgent: userAgentOf(c) });
    return c.json(answer(c, tokens), 200);
  });
  routes.openapi(loginCode, async (c) => {
    const tokens = await signInWithCode(ctx, c.get("actor"), { ...c.req.valid("json"), userAgent: userAgentOf(c) });
    return c.json(answer(c, tokens), 200);
  });
  routes.openapi(passkeyOptions, async (c) =>
    c.json(await beginPasskeySignIn(ctx, c.req.valid("json").challenge), 200),
  );
  routes.openapi(passkey, async (c) => {
    const proof = c.req.valid("json");
    const tokens = await signInWithPasskey(ctx, c.get("actor"), { proof, userAgent: userAgentOf(c) });
    return c.json(answer(c, tokens), 200);
  });
  routes.openapi(refresh, async (c) => {
    const refreshToken = readRefreshCookie(c, secure);
    const tokens = await refreshSession(ctx, c.get("actor"), { refreshToken, userAgent: userAgentOf(c) });
    return c.json(answer(c, tokens), 200);
  });
  routes.openapi(logout, async (c) => {
    const methods = await signOut(ctx, c.get("actor"), readRefreshCookie(c, secure));
    clearRefreshCookie(c, secure);
    const isThere = methods.includes("oidc") && ctx.identity.oidc?.endSessionEndpoint !== undefined;
    return isThere ? c.json({ endSession: "/api/v1/auth/oidc/end" }, 200) : c.body(null, 204);
  });
  routes.openapi(me, async (c) => c.json(await currentUser(ctx, c.get("actor")), 200));
  routes.openapi(password, async (c) => {
    await changePassword(ctx, c.get("actor"), c.req.valid("json"));
    return c.body(null, 204);
  });
  routes.openapi(passwordLinkState, async (c) => c.json(await checkPasswordLink(ctx, c.req.valid("json")), 200));
  routes.openapi(passwordLink, async (c) => {
    await usePasswordLink(ctx, c.get("actor"), c.req.valid("json"));
    return c.body(null, 204);
  });
  routes.openapi(sessions, async (c) => {
    const actor = c.get("actor");
    return c.json({ items: await listSessions(ctx, actor, actor.id!) }, 200);
  });
  routes.openapi(endOwn, async (c) => {
    const actor = c.get("actor");
    await endSession(ctx, actor, { idOrName: actor.id!, id: c.req.valid("param").id });
    return c.body(null, 204);
  });
  return routes;
}
