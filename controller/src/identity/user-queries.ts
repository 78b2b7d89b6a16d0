// SQL of users and their roles.
import type { IdentityUsersRow } from "@opsconductor/database/rows";
import type { Query } from "../context.ts";
import { jsonb } from "../jsonb.ts";
import { grantsOfUser, mfaByGrant } from "./grant-rows.ts";
import type { GrantSource } from "./grants.ts";

export type UserRow = Omit<IdentityUsersRow, "preferences" | "wrongCodes" | "codesBlockedUntil"> & {
  roles: string[];
  /** Of roles over everything. */
  permissions: string[];
  grants: GrantSource[];
  /** totp, passkey */
  factors: string[];
  /** A role asks for a second factor. Who signs in elsewhere only (no password here) is their provider's concern. */
  mfaRequired: boolean;
};

const columns = (sql: Query) => sql`
  u.id, u.kind, u.username, u.display_name, u.email, u.phone, u.job_title, u.password_hash, u.must_change_password, u.active, u.last_sign_in_at,
  u.created_at, u.updated_at, u.revision, u.credentials_epoch,
  coalesce((select array_agg(r.name order by r.name) from identity.user_roles ur
    join identity.roles r on r.id = ur.role_id where ur.user_id = u.id), '{}') as roles,
  coalesce((select array_agg(distinct p) from identity.user_roles ur
    join identity.roles r on r.id = ur.role_id, unnest(r.permissions) p where ur.user_id = u.id), '{}') as permissions,
  ${grantsOfUser(sql)} as grants,
  array(select 'totp' from identity.totp_factors f where f.user_id = u.id and f.confirmed_at is not null
    union all select 'passkey' where exists (select from identity.passkeys k where k.user_id = u.id)) as factors,
  u.password_hash is not null and (exists (select from identity.user_roles ur
    join identity.roles r on r.id = ur.role_id where ur.user_id = u.id and r.mfa_required)
    or ${mfaByGrant(sql)}) as mfa_required`;

export async function selectUserByName(sql: Query, username: string): Promise<UserRow | undefined> {
  const [row] = await sql<UserRow[]>`
    select ${columns(sql)} from identity.users u where lower(u.username) = lower(${username})`;
  return row;
}

export async function selectUser(sql: Query, id: string): Promise<UserRow | undefined> {
  const [row] = await sql<UserRow[]>`select ${columns(sql)} from identity.users u where u.id = ${id}`;
  return row;
}

export async function lockUser(tx: Query, id: string): Promise<UserRow | undefined> {
  await tx`select from identity.users where id = ${id} for update`;
  return selectUser(tx, id);
}

export async function anyUserExists(sql: Query): Promise<boolean> {
  const [row] = await sql`select from identity.users limit 1`;
  return row !== undefined;
}

/** Several controllers may start on one empty database: one of them makes the administrator. */
export async function lockFirstUser(sql: Query): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext('identity.first_user'))`;
}

export type AccountKind = "person" | "service";

export interface NewUser {
  id: string;
  kind?: AccountKind;
  username: string;
  displayName: string;
  email?: string | null;
  /** Null: the user sets the first one by a link. */
  passwordHash: string | null;
  mustChangePassword: boolean;
  now: Date;
}

export async function insertUser(sql: Query, u: NewUser): Promise<void> {
  await sql`insert into identity.users (id, kind, username, display_name, email, password_hash, must_change_password, created_at, updated_at)
    values (${u.id}, ${u.kind ?? "person"}, ${u.username}, ${u.displayName}, ${u.email ?? null}, ${u.passwordHash}, ${u.mustChangePassword}, ${u.now}, ${u.now})`;
}

export async function insertUserRole(sql: Query, userId: string, roleId: string): Promise<void> {
  await sql`insert into identity.user_roles (user_id, role_id) values (${userId}, ${roleId})`;
}

/**
 * False when the account is not active, or what was proven is no credential of it any more. The user's row stays locked:
 * a change that comes now finds the session that this transaction makes, and ends it.
 */
export async function claimSignIn(
  tx: Query,
  { id, credentialsEpoch }: Pick<UserRow, "id" | "credentialsEpoch">,
  now: Date,
): Promise<boolean> {
  const { count } = await tx`
    update identity.users set last_sign_in_at = ${now}
    where id = ${id} and active and credentials_epoch = ${credentialsEpoch}`;
  return count > 0;
}

/** Voids every sign-in that is half done, wherever it is. Called with each change of a password, a factor, or an account's state. */
export async function voidSignIns(tx: Query, id: string): Promise<void> {
  await tx`update identity.users set credentials_epoch = credentials_epoch + 1 where id = ${id}`;
}

/** False when the password is no longer the one that was verified (`oldHash`). */
export async function updatePassword(
  sql: Query,
  id: string,
  oldHash: string,
  newHash: string,
  now: Date,
): Promise<boolean> {
  const { count } = await sql`
    update identity.users set password_hash = ${newHash}, must_change_password = false, updated_at = ${now},
      revision = revision + 1
    where id = ${id} and password_hash = ${oldHash}`;
  return count > 0;
}

/** Some hash of an older installation, while there is one (by its partial index: asked at every sign-in). */
export async function selectImportedHash(sql: Query): Promise<string | undefined> {
  const [row] = await sql<{ passwordHash: string }[]>`
    select password_hash from identity.users where password_hash like '$2%' limit 1`;
  return row?.passwordHash;
}

/** The same password under a new hash; false when it was changed meanwhile. */
export async function replaceHash(
  tx: Query,
  id: string,
  { from, to, mustChange }: { from: string; to: string; mustChange: boolean },
): Promise<boolean> {
  const { count } = await tx`
    update identity.users set password_hash = ${to}, must_change_password = must_change_password or ${mustChange}
    where id = ${id} and password_hash = ${from}`;
  return count > 0;
}

/** By a link: whatever the password was before. */
export async function setPassword(sql: Query, id: string, hash: string, now: Date): Promise<void> {
  await sql`
    update identity.users set password_hash = ${hash}, must_change_password = false, updated_at = ${now},
      revision = revision + 1
    where id = ${id}`;
}

export async function selectUsers(
  sql: Query,
  f: {
    kind: AccountKind;
    q: string | undefined;
    active: boolean | undefined;
    afterName: string | undefined;
    limit: number;
  },
): Promise<UserRow[]> {
  return sql<UserRow[]>`
    select ${columns(sql)} from identity.users u
    where u.kind = ${f.kind} and ${f.q === undefined ? sql`true` : sql`position(lower(${f.q}) in lower(u.username || ' ' || u.display_name || ' ' || coalesce(u.email, ''))) > 0`}
      and ${f.active === undefined ? sql`true` : sql`u.active = ${f.active}`}
      and ${f.afterName === undefined ? sql`true` : sql`lower(u.username) > ${f.afterName}`}
    order by lower(u.username) limit ${f.limit}`;
}

export async function selectPreferences(sql: Query, id: string): Promise<Record<string, unknown>> {
  const [row] = await sql<{ preferences: Record<string, unknown> }[]>`
    select preferences from identity.users where id = ${id}`;
  return row?.preferences ?? {};
}

/** As they were before. Two tabs that set different things at once both keep theirs. */
export async function mergePreferences(
  sql: Query,
  id: string,
  patch: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const [row] = await sql<{ preferences: Record<string, unknown> }[]>`
    with old as (select id, preferences from identity.users where id = ${id} for update)
    update identity.users u set preferences = old.preferences || ${jsonb(sql, patch)} from old
    where u.id = old.id returning old.preferences`;
  return row?.preferences ?? {};
}

/** False when the user has another revision by now. */
export async function updateUserColumns(
  sql: Query,
  id: string,
  patch: { displayName?: string; email?: string | null; phone?: string; jobTitle?: string; active?: boolean },
  revision: bigint | undefined,
  now: Date,
): Promise<boolean> {
  const { count } = await sql`
    update identity.users set ${sql({ ...patch, updatedAt: now } as never)}, revision = revision + 1
    where id = ${id} and ${revision === undefined ? sql`true` : sql`revision = ${revision}`}`;
  return count > 0;
}
