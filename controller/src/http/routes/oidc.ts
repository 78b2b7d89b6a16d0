// Sign-on with an OpenID provider: a browser is sent there, comes back with a code, and leaves with a session.
import { createRoute, z } from "@hono/zod-openapi";
import { backChannelLogout, linkStart, ownLink, signInOptions } from "@opsconductor/contract/api/oidc";
import { OcError } from "@opsconductor/contract/errors";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { isSecure, publicUrl } from "../../addresses.ts";
import type { Context } from "../../context.ts";
import { beginLink, beginSignOn } from "../../identity/oidc/begin-oidc.ts";
import { endByProvider } from "../../identity/oidc/end-by-provider.ts";
import { finishOidc } from "../../identity/oidc/finish-oidc.ts";
import { readLink, removeLink } from "../../identity/oidc/link-account.ts";
import { flowSeconds } from "../../identity/oidc/oidc-flow.ts";
import { type OidcRefusal, OidcRefused } from "../../identity/oidc/oidc-refusal.ts";
import { readLinkOf, separateAccount } from "../../identity/oidc/separate-account.ts";
import { setRefreshCookie } from "../refresh-cookie.ts";
import { type Http, idOrName, jsonResponse, newRouter, problemResponses, type Router } from "../router.ts";
import { userAgentOf } from "../user-agent.ts";

const tags = ["Sign-in"];
const sent = { 303: { description: "To the provider, or to a page of the console" }, ...problemResponses };

const options = createRoute({
  method: "get",
  path: "/api/v1/auth/options",
  tags,
  summary: "How one can sign in here, besides with a password",
  responses: { 200: jsonResponse(signInOptions, "For the sign-in page"), ...problemResponses },
});
const start = createRoute({
  method: "get",
  path: "/api/v1/auth/oidc/start",
  tags,
  summary: "Send the browser to the provider to sign in",
  request: { query: z.object({ next: z.string().max(2000).optional().describe("page to go on to") }) },
  responses: sent,
});
const callback = createRoute({
  method: "get",
  path: "/api/v1/auth/oidc/callback",
  tags,
  summary: "Where the provider sends the browser back; the cookie of auth/oidc/start must come along",
  request: { query: z.looseObject({}) },
  responses: sent,
});
const end = createRoute({
  method: "get",
  path: "/api/v1/auth/oidc/end",
  tags,
  summary: "Send the browser to the provider to sign out there",
  responses: sent,
});
const logout = createRoute({
  method: "post",
  path: "/api/v1/auth/oidc/back-channel-logout",
  tags,
  summary:
    "For the provider: end the sessions of somebody who signed out there (OpenID Connect Back-Channel Logout 1.0)",
  request: {
    body: { content: { "application/x-www-form-urlencoded": { schema: backChannelLogout } }, required: true },
  },
  responses: { 200: { description: "They have ended" }, ...problemResponses },
});
const link = createRoute({
  method: "post",
  path: "/api/v1/auth/oidc/link",
  tags,
  summary: "Begin to connect the caller's account with one at the provider",
  responses: { 200: jsonResponse(linkStart, "Open this in the same browser"), ...problemResponses },
});
const linked = createRoute({
  method: "get",
  path: "/api/v1/auth/oidc/link",
  tags,
  summary: "The account at the provider that the caller's is connected with",
  responses: { 200: jsonResponse(ownLink, "null: none"), ...problemResponses },
});
const unlink = createRoute({
  method: "delete",
  path: "/api/v1/auth/oidc/link",
  tags,
  summary: "Separate the caller's account from the one at the provider",
  responses: { 204: { description: "Separated" }, ...problemResponses },
});

const ofUser = { request: { params: z.object({ idOrName }) } };
const linkedOf = createRoute({
  method: "get",
  path: "/api/v1/users/{idOrName}/sign-on",
  tags: ["People"],
  summary: "The account at the provider that a user's is connected with",
  ...ofUser,
  responses: { 200: jsonResponse(ownLink, "null: none"), ...problemResponses },
});
const separate = createRoute({
  method: "delete",
  path: "/api/v1/users/{idOrName}/sign-on",
  tags: ["People"],
  summary: "Separate a user's account from the one at the provider; sessions that began there end",
  ...ofUser,
  responses: { 204: { description: "Separated" }, ...problemResponses },
});

export function oidcRoutes(ctx: Context): Router {
  const routes = newRouter();
  addSignOn(routes, ctx);
  addLink(routes, ctx);
  routes.openapi(linkedOf, async (c) => c.json({ link: await readLinkOf(ctx, c.req.valid("param").idOrName) }, 200));
  routes.openapi(separate, async (c) => {
    await separateAccount(ctx, c.get("actor"), c.req.valid("param").idOrName);
    return c.body(null, 204);
  });
  return routes;
}

function addSignOn(routes: Router, ctx: Context): void {
  const secure = isSecure(ctx.config);
  routes.openapi(options, (c) => c.json({ provider: providerOf(ctx) }, 200));
  routes.openapi(start, async (c) => {
    try {
      const { url, cookie } = await beginSignOn(ctx, c.req.valid("query").next);
      keepFlow(c, secure, cookie);
      return go(c, url);
    } catch (error) {
      if (!(error instanceof OidcRefused)) throw error;
      return go(c, pageFor(error.why, false));
    }
  });
  routes.openapi(callback, async (c) => {
    const cookie = getCookie(c, cookieName(secure));
    deleteCookie(c, cookieName(secure), { path: "/", secure });
    const userAgent = userAgentOf(c);
    const query = new URL(c.req.url).search;
    try {
      const done = await finishOidc(ctx, c.get("actor"), { cookie, query, userAgent });
      if ("refused" in done) return go(c, pageFor(done.refused.why, done.isLink));
      if (done.signedIn) setRefreshCookie(c, secure, done.signedIn.refreshToken, done.signedIn.expiresAt);
      return go(c, done.isLink ? "/me?sso=linked" : done.next);
    } catch (error) {
      return go(c, pageOfSecondStep(error));
    }
  });
  routes.openapi(end, (c) => go(c, endPage(ctx)));
  routes.openapi(logout, async (c) => {
    await endByProvider(ctx, c.get("actor"), c.req.valid("form").logout_token);
    c.header("Cache-Control", "no-store");
    return c.body(null, 200);
  });
}

function addLink(routes: Router, ctx: Context): void {
  const secure = isSecure(ctx.config);
  routes.openapi(link, async (c) => {
    if (!ctx.identity.oidc)
      throw new OcError(
        "failed_precondition",
        "No provider of sign-on is configured: an operator sets OC_OIDC_ISSUER.",
      );
    try {
      const { url, cookie } = await beginLink(ctx, c.get("actor"));
      keepFlow(c, secure, cookie);
      return c.json({ url }, 200);
    } catch (cause) {
      if (!(cause instanceof OidcRefused)) throw cause;
      throw new OcError("unavailable", "The provider of sign-on cannot be reached: try again later.", { cause });
    }
  });
  routes.openapi(linked, async (c) => c.json({ link: await readLink(ctx, c.get("actor").id!) }, 200));
  routes.openapi(unlink, async (c) => {
    await removeLink(ctx, c.get("actor"));
    return c.body(null, 204);
  });
}

function providerOf({ config, identity }: Context) {
  return identity.oidc ? { name: config.oidcName, available: identity.oidc.trouble === undefined } : null;
}

/** Lax, not Strict: the provider's page sends the browser back, and the cookie must come along then. */
const cookieName = (secure: boolean) => (secure ? "__Host-oc_sign_on" : "oc_sign_on");
const keepFlow = (c: Http, secure: boolean, value: string) =>
  setCookie(c, cookieName(secure), value, {
    ...{ path: "/", httpOnly: true, secure, sameSite: "Lax", maxAge: flowSeconds },
  });

function go(c: Http, location: string) {
  c.header("Cache-Control", "no-store");
  c.header("Referrer-Policy", "no-referrer"); // the callback's address holds the code
  return c.redirect(location, 303);
}

const pageFor = (why: OidcRefusal, isLink: boolean) => `${isLink ? "/me" : "/login"}?sso=${why}`;

/** The challenge is a fragment: it is in no log and in no request. An account that was changed meanwhile begins again. */
function pageOfSecondStep(error: unknown): string {
  if (error instanceof OcError && error.code === "unauthenticated") return pageFor("expired", false);
  const proof = error instanceof OcError && error.code === "second_factor_required" ? error.proof : undefined;
  if (!proof?.challenge) throw error;
  return `/login#${new URLSearchParams({ step: proof.challenge, methods: proof.methods.join() })}`;
}

function endPage({ config, identity }: Context): string {
  const endpoint = identity.oidc?.endSessionEndpoint;
  if (!endpoint) return "/login";
  const url = new URL(endpoint);
  url.searchParams.set("client_id", config.oidcClientId!);
  url.searchParams.set("post_logout_redirect_uri", `${publicUrl(config)}/login`);
  return url.href;
}
