// How long sessions live, and the making of refresh tokens; shared by sign-in and refresh.
import { createHash, createHmac, randomBytes } from "node:crypto";

const hourMs = 3_600_000;
/** Without a refresh for this long, or this old in any case, a session is over. */
export const idleMs = 12 * hourMs;
export const absoluteMs = 7 * 24 * hourMs;
/** A page that refreshed but lost the answer, and tabs that race, present a used token within this time. */
export const reuseGraceMs = 10_000;

export function newRefreshToken(): { token: string; sha256: Buffer } {
  const token = randomBytes(32).toString("base64url");
  return { token, sha256: refreshTokenHash(token) };
}

/**
 * The token that follows `token`. The salt is stored and the token is not: who holds only the database cannot make it, and
 * whoever presents the token again is given the same one.
 */
export function successorOf(token: string, salt: Uint8Array): { token: string; sha256: Buffer } {
  const next = createHmac("sha256", token).update(salt).digest("base64url");
  return { token: next, sha256: refreshTokenHash(next) };
}

export function refreshTokenHash(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/** What a sign-in or a refresh gives: the refresh token goes into the cookie, the rest into the body. */
export interface Tokens {
  accessToken: string;
  refreshToken: string;
  sessionId: string;
  /** The cookie's end. */
  expiresAt: Date;
}
