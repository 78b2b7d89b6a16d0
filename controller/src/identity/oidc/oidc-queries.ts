// SQL of accounts at OpenID providers.
import type { Query } from "../../context.ts";

export interface ExternalAccount {
  issuer: string;
  subject: string;
  userId: string;
  name: string;
  linkedAt: Date;
  lastSignInAt: Date | null;
}

/** Two first sign-ins of one person at the same time make one account. */
export async function lockExternalAccount(tx: Query, issuer: string, subject: string): Promise<void> {
  await tx`select pg_advisory_xact_lock(hashtextextended(${`${issuer}\n${subject}`}, 0))`;
}

export async function selectExternalAccount(
  q: Query,
  issuer: string,
  subject: string,
): Promise<ExternalAccount | undefined> {
  const [row] = await q<ExternalAccount[]>`
    select issuer, subject, user_id, name, linked_at, last_sign_in_at from identity.external_accounts
    where issuer = ${issuer} and subject = ${subject}`;
  return row;
}

export async function selectExternalAccountOf(q: Query, userId: string): Promise<ExternalAccount | undefined> {
  const [row] = await q<ExternalAccount[]>`
    select issuer, subject, user_id, name, linked_at, last_sign_in_at from identity.external_accounts
    where user_id = ${userId}`;
  return row;
}

/** False when the user is connected with another account there already. */
export async function insertExternalAccount(
  tx: Query,
  a: { issuer: string; subject: string; userId: string; name: string; now: Date },
): Promise<boolean> {
  const { count } = await tx`
    insert into identity.external_accounts (issuer, subject, user_id, name, linked_at)
    values (${a.issuer}, ${a.subject}, ${a.userId}, ${a.name}, ${a.now}) on conflict do nothing`;
  return count > 0;
}

export async function touchExternalAccount(tx: Query, userId: string, name: string, now: Date): Promise<void> {
  await tx`update identity.external_accounts set last_sign_in_at = ${now}, name = ${name} where user_id = ${userId}`;
}

export async function deleteExternalAccount(tx: Query, userId: string): Promise<boolean> {
  const { count } = await tx`delete from identity.external_accounts where user_id = ${userId}`;
  return count > 0;
}

/** Whose sessions, or sign-ins that wait for a second factor, came from this session at the provider. */
export async function selectUsersOfSid(q: Query, sid: string): Promise<string[]> {
  const rows = await q<{ userId: string }[]>`
    select user_id from identity.sessions where provider_sid = ${sid} and revoked_at is null
    union select user_id from identity.auth_challenges where provider_sid = ${sid} and user_id is not null`;
  return rows.map((row) => row.userId);
}

/** True for the first who comes back with it: a state, or a logout token. */
export async function takeState(q: Query, sha256: Buffer, now: Date, expiresAt: Date): Promise<boolean> {
  await q`delete from identity.oidc_states where sha256 in (
    select sha256 from identity.oidc_states where expires_at < ${now} limit 100 for update skip locked)`;
  const { count } = await q`
    insert into identity.oidc_states (sha256, expires_at) values (${sha256}, ${expiresAt}) on conflict do nothing`;
  return count > 0;
}
