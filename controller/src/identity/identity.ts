// What the identity domain keeps in memory for one controller: the signing key, fresh sessions, failed sign-ins.
// Built by the start and reached as `ctx.identity`.
import type { Counter } from "prom-client";
import type { AccessClaims } from "./access-tokens.ts";
import type { TokenOwner } from "./api-token-queries.ts";
import { ApiTokenUses } from "./api-token-uses.ts";
import type { OidcProvider } from "./oidc/oidc-provider.ts";
import { RefusalLimit } from "./refusal-limit.ts";
import { RightsChanges } from "./rights-changes.ts";
import type { SessionUser } from "./session-queries.ts";
import { SignInThrottle } from "./sign-in-throttle.ts";

export interface Identity {
  signingKey: Uint8Array;
  throttle: SignInThrottle;
  refusals: RefusalLimit;
  /** Access tokens whose signature was found good, until they expire. */
  tokens: Map<string, { claims: AccessClaims; untilMs: number }>;
  sessions: Map<string, { user: Promise<SessionUser | undefined>; until: number }>;
  /** By `id` or hash. */
  tokenOwners: Map<string, { user: Promise<TokenOwner | undefined>; until: number }>;
  tokenUses: ApiTokenUses;
  changes: RightsChanges;
  /** Where people may sign in besides here; set at the start where one is configured. */
  oidc?: OidcProvider;
  /** Counted once the service that registers it has started. */
  tokenCounter?: Counter<"outcome">;
}

export function createIdentity(signingKey: Uint8Array): Identity {
  return {
    signingKey,
    throttle: new SignInThrottle(() => performance.now()),
    refusals: new RefusalLimit(() => performance.now()),
    tokens: new Map(),
    sessions: new Map(),
    tokenOwners: new Map(),
    tokenUses: new ApiTokenUses(),
    changes: new RightsChanges(),
  };
}
