// What a logout token of the provider says (OpenID Connect Back-Channel Logout 1.0, 2.4 and 2.6): whose sessions, or which
// one, ended there. Called by end-by-provider.ts.
import { createHash } from "node:crypto";
import { errors, type JWTPayload, jwtVerify } from "jose";
import type { Context } from "../../context.ts";
import type { OidcProvider } from "./oidc-provider.ts";

export interface LogoutToken {
  issuer: string;
  subject: string | undefined;
  sid: string | undefined;
  /** Of its jti, which is good once. */
  sha256: Buffer;
}

const event = "http://schemas.openid.net/event/backchannel-logout";
export const logoutTokenSeconds = 600;
const clockSkewSeconds = 60;
/** Signatures that need the provider's private key: one with our own secret is none. */
const algorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];

/** Why a token is none: told to the log, and in general words to its sender. */
export class LogoutTokenRefused extends Error {
  override readonly name = "LogoutTokenRefused";
}

/** Throws LogoutTokenRefused for a token that is none, and other errors when the provider cannot be asked for its keys. */
export async function readLogoutToken(ctx: Context, provider: OidcProvider, token: string): Promise<LogoutToken> {
  const keys = await provider.keys();
  const claims = await verified(ctx, provider, token, keys);
  const problem = problemOf(claims);
  if (problem !== undefined) throw new LogoutTokenRefused(problem);
  return {
    issuer: provider.issuer,
    subject: claims.sub,
    sid: claims.sid as string | undefined,
    sha256: createHash("sha256").update(`logout ${claims.jti}`).digest(),
  };
}

async function verified(
  ctx: Context,
  { issuer }: OidcProvider,
  token: string,
  keys: Awaited<ReturnType<OidcProvider["keys"]>>,
): Promise<JWTPayload> {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      ...{ issuer, audience: ctx.config.oidcClientId!, algorithms, currentDate: ctx.now() },
      ...{ requiredClaims: ["iat", "jti"], maxTokenAge: logoutTokenSeconds, clockTolerance: clockSkewSeconds },
    });
    const { typ = "JWT" } = protectedHeader;
    if (/^(application\/)?(logout\+jwt|jwt)$/i.test(typ)) return payload;
  } catch (cause) {
    if (!(cause instanceof errors.JOSEError) || cause instanceof errors.JWKSTimeout) throw cause;
    throw new LogoutTokenRefused(cause.message, { cause });
  }
  throw new LogoutTokenRefused("it is a token of another type");
}

/** A token for another purpose is never taken for this one: an ID token has a nonce and no event. */
function problemOf({ jti, sub, sid, nonce, events }: JWTPayload): string | undefined {
  const isText = (value: unknown) => typeof value === "string" && value !== "" && value.length <= 255;
  if (nonce !== undefined) return "it has a nonce";
  if (typeof events !== "object" || events === null || !Object.hasOwn(events, event)) return "it tells no logout";
  if (!isText(jti)) return "it has no jti";
  if (sub === undefined && sid === undefined) return "it names neither subject nor session";
  if ((sub !== undefined && !isText(sub)) || (sid !== undefined && !isText(sid)))
    return "subject or session is no text";
  return undefined;
}
