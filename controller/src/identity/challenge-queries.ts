// SQL of ceremonies that take two requests; see identity.auth_challenges.
import type { IdentityAuthChallengesRow } from "@opsconductor/database/rows";
import type { Query } from "../context.ts";

export type ChallengeRow = IdentityAuthChallengesRow;

export async function insertChallenge(q: Query, c: Omit<ChallengeRow, "wrongCodes">): Promise<void> {
  await q`insert into identity.auth_challenges (sha256, purpose, user_id, session_id, webauthn_challenge, first_proof, credentials_epoch, provider_sid,
      password_step, expires_at)
    values (${c.sha256}, ${c.purpose}, ${c.userId}, ${c.sessionId}, ${c.webauthnChallenge}, ${c.firstProof}, ${c.credentialsEpoch},
      ${c.providerSid}, ${c.passwordStep}, ${c.expiresAt})`;
}

/**
 * Locked: two who present it at once are judged one after the other. Its user is locked before it, as by whoever ends the
 * user's sessions: the other way round they would wait for each other.
 */
export async function lockChallenge(
  tx: Query,
  sha256: Buffer,
  purpose: string,
  now: Date,
): Promise<ChallengeRow | undefined> {
  await tx`select from identity.users
    where id = (select user_id from identity.auth_challenges where sha256 = ${sha256}) for update`;
  const [row] = await tx<ChallengeRow[]>`
    select * from identity.auth_challenges
    where sha256 = ${sha256} and purpose = ${purpose} and expires_at > ${now} for update`;
  return row;
}

/** False when another request has taken it. */
export async function deleteChallenge(tx: Query, sha256: Buffer): Promise<boolean> {
  const { count } = await tx`delete from identity.auth_challenges where sha256 = ${sha256}`;
  return count > 0;
}

export async function countWrongCode(tx: Query, sha256: Buffer): Promise<void> {
  await tx`update identity.auth_challenges set wrong_codes = wrong_codes + 1 where sha256 = ${sha256}`;
}

/** Whoever makes one takes away what has expired, a few at a time. */
export async function deleteExpiredChallenges(q: Query, now: Date): Promise<void> {
  await q`delete from identity.auth_challenges where sha256 in (
    select sha256 from identity.auth_challenges where expires_at < ${now} limit 100 for update skip locked)`;
}
