// The second half of a sign-on: the answer of the provider becomes a session, or a connected account. Called by
// GET auth/oidc/callback.
import { createHash } from "node:crypto";
import { AuthorizationResponseError, authorizationCodeGrant, type Configuration, fetchUserInfo } from "openid-client";
import type { Actor, Context } from "../../context.ts";
import { demandSecondFactor } from "../sign-in-with-code.ts";
import { type SignedIn, startSession } from "../start-session.ts";
import type { UserRow } from "../user-queries.ts";
import { callbackUrl } from "./begin-oidc.ts";
import { linkAccount } from "./link-account.ts";
import { accountOf } from "./oidc-account.ts";
import { type OidcPerson, readPerson } from "./oidc-claims.ts";
import { flowSeconds, type OidcFlow, openFlow } from "./oidc-flow.ts";
import { clientOf } from "./oidc-provider.ts";
import { takeState } from "./oidc-queries.ts";
import { type OidcRefusal, OidcRefused } from "./oidc-refusal.ts";
import { certificateTrouble, clientRefusal, isAway } from "./provider-trouble.ts";
import { auditRefusal } from "./refuse-oidc.ts";

export interface FinishParams {
  cookie: string | undefined;
  /** Of the callback's address, with its question mark. */
  query: string;
  userAgent: string | null;
}

export type Finished = { next: string; isLink: boolean } & (
  | { refused: OidcRefused }
  | { signedIn: SignedIn | undefined }
);

/** Answers refusals, because the browser is to be sent somewhere; throws `second_factor_required` and what is not expected. */
export async function finishOidc(ctx: Context, caller: Actor, params: FinishParams): Promise<Finished> {
  const flow = openFlow(ctx, params.cookie);
  const where = { next: flow?.next ?? "/", isLink: flow?.link !== undefined };
  try {
    if (!flow) throw new OidcRefused("expired");
    return { ...where, signedIn: await finish(ctx, caller, flow, params) };
  } catch (error) {
    if (!(error instanceof OidcRefused)) throw error;
    await auditRefusal(ctx, caller, error);
    return { ...where, refused: error };
  }
}

async function finish(
  ctx: Context,
  caller: Actor,
  flow: OidcFlow,
  { query, userAgent }: FinishParams,
): Promise<SignedIn | undefined> {
  const person = await askProvider(ctx, flow, query);
  if (flow.link) return void (await linkAccount(ctx, caller, person, flow.link));
  const user = await accountOf(ctx, caller, person);
  if (needsOwnFactor(user, person))
    return demandSecondFactor(ctx, user, { firstProof: "oidc", providerSid: person.sid });
  return startSession(ctx, caller, { user, userAgent, methods: ["oidc"], providerSid: person.sid });
}

/** Whoever protected the account with a factor here is asked for it, unless the provider says that it asked for one. */
const needsOwnFactor = (user: UserRow, person: OidcPerson) => user.factors.length > 0 && !person.isMultiFactor;

async function askProvider(ctx: Context, flow: OidcFlow, query: string): Promise<OidcPerson> {
  const { oidc } = ctx.identity;
  if (!oidc) throw new OidcRefused("unavailable");
  await takeOnce(ctx, flow, query);
  const client = await clientOf(oidc);
  try {
    return await exchange(ctx, client, flow, query);
  } catch (cause) {
    oidc.note(cause);
    throw new OidcRefused(whyRefused(cause), { cause });
  }
}

function whyRefused(cause: unknown): OidcRefusal {
  if (cause instanceof AuthorizationResponseError && cause.error === "access_denied") return "denied";
  if (certificateTrouble(cause)) return "untrusted";
  if (clientRefusal(cause)) return "client_refused";
  return isAway(cause) ? "unavailable" : "invalid";
}

/** Before the provider is asked: a state that is not this browser's, or came back before, costs it nothing. */
async function takeOnce(ctx: Context, flow: OidcFlow, query: string): Promise<void> {
  if (new URLSearchParams(query).get("state") !== flow.state) throw new OidcRefused("expired");
  const now = ctx.now();
  const expiresAt = new Date(now.getTime() + flowSeconds * 1000);
  const sha256 = createHash("sha256").update(flow.state).digest();
  if (!(await takeState(ctx.sql, sha256, now, expiresAt))) throw new OidcRefused("expired");
}

async function exchange(ctx: Context, client: Configuration, flow: OidcFlow, query: string): Promise<OidcPerson> {
  const { oidcUsernameClaim: username, oidcGroupsClaim: groups } = ctx.config;
  const tokens = await authorizationCodeGrant(client, new URL(callbackUrl(ctx) + query), {
    pkceCodeVerifier: flow.verifier,
    expectedState: flow.state,
    expectedNonce: flow.nonce,
    idTokenExpected: true,
  });
  ctx.identity.oidc?.note(undefined);
  const claims = tokens.claims()!;
  // Groups often stand there only. Its subject is compared; what is signed has precedence.
  const more = client.serverMetadata().userinfo_endpoint
    ? await fetchUserInfo(client, tokens.access_token, claims.sub)
    : {};
  return readPerson(claims.sub, { ...more, ...claims }, { username, groups });
}
