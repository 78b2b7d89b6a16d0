// Ceremonies that take two requests: the browser holds a random token, the database its hash, and each is good once and
// for a few minutes. Called by sign-in, passkeys and step-up.
import { createHash, randomBytes } from "node:crypto";
import type { Context, Query } from "../context.ts";
import { type ChallengeRow, deleteExpiredChallenges, insertChallenge } from "./challenge-queries.ts";

export type ChallengePurpose = "second-factor" | "passkey-sign-in" | "passkey-add" | "passkey-step-up";

const lifeMs = 5 * 60_000;

export const challengeHash = (token: string): Buffer => createHash("sha256").update(token).digest();

export interface OpenedChallenge {
  token: string;
  expiresAt: Date;
}

export async function openChallenge(
  ctx: Pick<Context, "now">,
  q: Query,
  purpose: ChallengePurpose,
  rest: Partial<Omit<ChallengeRow, "sha256" | "purpose" | "expiresAt" | "wrongCodes">>,
): Promise<OpenedChallenge> {
  const token = randomBytes(32).toString("base64url");
  const expiresAt = new Date(ctx.now().getTime() + lifeMs);
  const empty = {
    ...{ userId: null, sessionId: null, webauthnChallenge: null },
    ...{ firstProof: "password", credentialsEpoch: null, providerSid: null, passwordStep: null },
  };
  await deleteExpiredChallenges(q, ctx.now());
  await insertChallenge(q, { ...empty, ...rest, sha256: challengeHash(token), purpose, expiresAt });
  return { token, expiresAt };
}
