// The first half of a sign-on: where the browser goes, and what it takes along. Called by GET auth/oidc/start and
// POST auth/oidc/link.
import {
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from "openid-client";
import { publicUrl } from "../../addresses.ts";
import type { Actor, Context } from "../../context.ts";
import { type OidcFlow, sealFlow } from "./oidc-flow.ts";
import { clientOf } from "./oidc-provider.ts";
import { OidcRefused } from "./oidc-refusal.ts";
import { safeReturn } from "./safe-return.ts";

export interface BegunOidc {
  url: string;
  cookie: string;
}

export const callbackPath = "/api/v1/auth/oidc/callback";
export const callbackUrl = (ctx: Pick<Context, "config">) => publicUrl(ctx.config) + callbackPath;

export function beginSignOn(ctx: Context, next: string | undefined): Promise<BegunOidc> {
  return begin(ctx, { next: safeReturn(next) });
}

/** `actor` has a session: the answer must come back to the browser where it is open. */
export function beginLink(ctx: Context, actor: Actor): Promise<BegunOidc> {
  return begin(ctx, { next: "/me", link: { userId: actor.id!, sessionId: actor.sessionId! } });
}

async function begin(ctx: Context, more: Pick<OidcFlow, "next" | "link">): Promise<BegunOidc> {
  if (!ctx.identity.oidc) throw new OidcRefused("unavailable");
  const client = await clientOf(ctx.identity.oidc);
  const flow: OidcFlow = { ...more, state: randomState(), nonce: randomNonce(), verifier: randomPKCECodeVerifier() };
  const url = buildAuthorizationUrl(client, {
    redirect_uri: callbackUrl(ctx),
    scope: ctx.config.oidcScopes,
    state: flow.state,
    nonce: flow.nonce,
    code_challenge: await calculatePKCECodeChallenge(flow.verifier),
    code_challenge_method: "S256",
    // Somebody who connects an account must show at the provider, too, that it is theirs.
    ...(more.link ? { prompt: "login" } : {}),
  });
  return { url: url.href, cookie: sealFlow(ctx, flow) };
}
