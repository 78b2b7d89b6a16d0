// What the identity domain keeps in memory for one controller: the signing key, fresh sessions, failed sign-ins.
// Built by the start and reached as `ctx.identity`.
import type { AccessClaims } from "./access-tokens.ts";
import type { SessionUser } from "./session-queries.ts";
import { SignInThrottle } from "./sign-in-throttle.ts";

export interface Identity {
  signingKey: Uint8Array;
  throttle: SignInThrottle;
  /** Access tokens whose signature was found good, until they expire. */
  tokens: Map<string, { claims: AccessClaims; untilMs: number }>;
  sessions: Map<string, { user: Promise<SessionUser | undefined>; until: number }>;
}

export function createIdentity(signingKey: Uint8Array): Identity {
  return { signingKey, throttle: new SignInThrottle(() => performance.now()), tokens: new Map(), sessions: new Map() };
}
