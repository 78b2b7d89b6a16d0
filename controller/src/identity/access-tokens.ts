// Access tokens: short JWTs (HS256) that name a user's session. What the session may do is asked of the database.
import { OcError } from "@opsconductor/contract/errors";
import { errors, jwtVerify, SignJWT } from "jose";
import type { Context } from "../context.ts";

export const accessTokenSeconds = 600;
const audience = "opsconductor";

export interface AccessClaims {
  userId: string;
  sessionId: string;
}

export function signAccessToken(ctx: Context, claims: AccessClaims): Promise<string> {
  const now = Math.floor(ctx.now().getTime() / 1000);
  return new SignJWT({ sid: claims.sessionId })
    .setProtectedHeader({ alg: "HS256", typ: "at+jwt" })
    .setSubject(claims.userId)
    .setIssuer(ctx.clusterId)
    .setAudience(audience)
    .setIssuedAt(now)
    .setExpirationTime(now + accessTokenSeconds)
    .sign(ctx.identity.signingKey);
}

const mostKnown = 1000;

/** Throws `unauthenticated`, saying only whether the token is worth refreshing. */
export async function verifyAccessToken(ctx: Context, token: string): Promise<AccessClaims> {
  const { tokens } = ctx.identity;
  const known = tokens.get(token);
  if (known && known.untilMs > ctx.now().getTime()) return known.claims;
  const { claims, untilMs } = await verify(ctx, token);
  if (tokens.size >= mostKnown) tokens.clear();
  tokens.set(token, { claims, untilMs });
  return claims;
}

// Two trips to the thread pool: 0.4 ms of each request, were it not remembered.
async function verify(ctx: Context, token: string): Promise<{ claims: AccessClaims; untilMs: number }> {
  try {
    const { payload } = await jwtVerify(token, ctx.identity.signingKey, {
      algorithms: ["HS256"],
      typ: "at+jwt",
      issuer: ctx.clusterId,
      audience,
      requiredClaims: ["sub", "sid", "exp"],
      currentDate: ctx.now(),
    });
    return { claims: { userId: payload.sub!, sessionId: String(payload.sid) }, untilMs: payload.exp! * 1000 };
  } catch (cause) {
    const expired = cause instanceof errors.JWTExpired;
    throw new OcError(
      "unauthenticated",
      expired ? "The access token has expired: refresh it." : "The access token is not valid.",
      {
        cause,
      },
    );
  }
}
