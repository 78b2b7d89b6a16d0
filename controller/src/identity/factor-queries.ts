// SQL of second factors: authenticator apps, recovery codes, and the count of wrong codes.
import type { Query } from "../context.ts";

export interface CodeState {
  wrongCodes: number;
  codesBlockedUntil: Date | null;
  /** Of a confirmed authenticator app. */
  seedSealed: Buffer | null;
}

/** Locks the user, so that codes of one user are judged one after the other. Undefined when not active any more. */
export async function lockCodeState(tx: Query, userId: string): Promise<CodeState | undefined> {
  const [row] = await tx<CodeState[]>`
    select u.wrong_codes, u.codes_blocked_until, f.seed_sealed
    from identity.users u left join identity.totp_factors f on f.user_id = u.id and f.confirmed_at is not null
    where u.id = ${userId} and u.active for update of u`;
  return row;
}

/** False when this step or a later one was used already: a code that somebody looked at is worth nothing. */
export async function takeTotpStep(tx: Query, userId: string, step: bigint): Promise<boolean> {
  const { count } = await tx`update identity.totp_factors set last_step = ${step}
    where user_id = ${userId} and last_step < ${step}`;
  return count > 0;
}

/** True for one of those who try at once. */
export async function takeRecoveryCode(tx: Query, userId: string, mac: Buffer, now: Date): Promise<boolean> {
  const { count } = await tx`update identity.recovery_codes set used_at = ${now}
    where user_id = ${userId} and mac = ${mac} and used_at is null`;
  return count > 0;
}

export async function updateCodeState(
  tx: Query,
  userId: string,
  state: { wrongCodes: number; blockedUntil: Date | null },
): Promise<void> {
  await tx`update identity.users set wrong_codes = ${state.wrongCodes}, codes_blocked_until = ${state.blockedUntil}
    where id = ${userId}`;
}

/** A setup that was begun before is begun anew; false when a confirmed one stands. */
export async function insertTotp(tx: Query, userId: string, seedSealed: Buffer, now: Date): Promise<boolean> {
  const { count } = await tx`
    insert into identity.totp_factors (user_id, seed_sealed, created_at) values (${userId}, ${seedSealed}, ${now})
    on conflict (user_id) do update set seed_sealed = excluded.seed_sealed, created_at = excluded.created_at
      where totp_factors.confirmed_at is null`;
  return count > 0;
}

export async function lockUnconfirmedTotp(
  tx: Query,
  userId: string,
  since: Date,
): Promise<{ seedSealed: Buffer } | undefined> {
  const [row] = await tx<{ seedSealed: Buffer }[]>`
    select seed_sealed from identity.totp_factors
    where user_id = ${userId} and confirmed_at is null and created_at > ${since} for update`;
  return row;
}

export async function confirmTotp(tx: Query, userId: string, step: bigint, now: Date): Promise<void> {
  await tx`update identity.totp_factors set confirmed_at = ${now}, last_step = ${step} where user_id = ${userId}`;
}

export async function deleteTotp(tx: Query, userId: string): Promise<boolean> {
  const { count } = await tx`delete from identity.totp_factors where user_id = ${userId} and confirmed_at is not null`;
  return count > 0;
}

export async function replaceRecoveryCodes(tx: Query, userId: string, macs: readonly Buffer[]): Promise<void> {
  await deleteRecoveryCodes(tx, userId);
  for (const mac of macs) await tx`insert into identity.recovery_codes (user_id, mac) values (${userId}, ${mac})`;
}

export async function deleteRecoveryCodes(tx: Query, userId: string): Promise<void> {
  await tx`delete from identity.recovery_codes where user_id = ${userId}`;
}

/** Everything at once; true when there was something. */
export async function deleteAllFactors(tx: Query, userId: string): Promise<boolean> {
  const totp = await tx`delete from identity.totp_factors where user_id = ${userId}`;
  const passkeys = await tx`delete from identity.passkeys where user_id = ${userId}`;
  await deleteRecoveryCodes(tx, userId);
  await updateCodeState(tx, userId, { wrongCodes: 0, blockedUntil: null });
  return totp.count + passkeys.count > 0;
}

export interface FactorSummary {
  totpSince: Date | null;
  recoveryCodesLeft: bigint;
}

export async function selectFactorSummary(sql: Query, userId: string): Promise<FactorSummary> {
  const [row] = await sql<FactorSummary[]>`
    select (select confirmed_at from identity.totp_factors where user_id = ${userId}) as totp_since,
      (select count(*) from identity.recovery_codes where user_id = ${userId} and used_at is null) as recovery_codes_left`;
  return row!;
}
