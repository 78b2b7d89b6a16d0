// SQL of API tokens.
import type { Query } from "../context.ts";
import { grantsOfUser } from "./grant-rows.ts";
import type { GrantSource } from "./grants.ts";
import type { AccountKind } from "./user-queries.ts";

/** A token with its owner as both are now; whether it may be used is api-token-state.ts's to say. */
export interface TokenOwner {
  id: string;
  name: string;
  scopes: string[];
  expiresAt: Date | null;
  revokedAt: Date | null;
  userId: string;
  username: string;
  active: boolean;
  mustChangePassword: boolean;
  permissions: string[];
  grants: GrantSource[];
}

/** Read for nearly every request with a token (cached for a second), so one indexed statement. */
export async function selectTokenOwner(
  sql: Query,
  by: { sha256: Buffer } | { id: string },
): Promise<TokenOwner | undefined> {
  const [row] = await sql<TokenOwner[]>`
    select t.id, t.name, t.scopes, t.expires_at, t.revoked_at, u.id as user_id, u.username, u.active,
      u.must_change_password,
      coalesce((select array_agg(distinct p) from identity.user_roles ur
        join identity.roles r on r.id = ur.role_id, unnest(r.permissions) p where ur.user_id = u.id), '{}') as permissions,
      ${grantsOfUser(sql)} as grants
    from identity.api_tokens t join identity.users u on u.id = t.user_id
    where ${"id" in by ? sql`t.id = ${by.id}` : sql`t.sha256 = ${by.sha256}`}`;
  return row;
}

export interface NewApiToken {
  id: string;
  userId: string;
  name: string;
  sha256: Buffer;
  ending: string;
  scopes: readonly string[];
  parentId: string | null;
  createdBy: string | null;
  createdAt: Date;
  expiresAt: Date | null;
}

export async function insertApiToken(tx: Query, t: NewApiToken): Promise<void> {
  await tx`
    insert into identity.api_tokens
      (id, user_id, name, sha256, ending, scopes, parent_id, created_by, created_at, expires_at)
    values (${t.id}, ${t.userId}, ${t.name}, ${t.sha256}, ${t.ending}, ${t.scopes as string[]}, ${t.parentId},
      ${t.createdBy}, ${t.createdAt}, ${t.expiresAt})`;
}

/** So that no token is made for an account that is deactivated at the same time, and counts are true. */
export async function lockAccount(tx: Query, userId: string): Promise<void> {
  await tx`select from identity.users where id = ${userId} for update`;
}

/** False when it ended while somebody made another one with it. Held until the transaction ends. */
export async function lockLiveToken(tx: Query, id: string, now: Date): Promise<boolean> {
  const [row] = await tx`
    select from identity.api_tokens
    where id = ${id} and revoked_at is null and (expires_at is null or expires_at > ${now}) for update`;
  return row !== undefined;
}

export async function countLiveTokens(q: Query, userId: string, now: Date): Promise<bigint> {
  const [row] = await q<{ n: bigint }[]>`
    select count(*) as n from identity.api_tokens
    where user_id = ${userId} and revoked_at is null and (expires_at is null or expires_at > ${now})`;
  return row!.n;
}

export interface ApiTokenRow {
  id: string;
  userId: string;
  username: string;
  kind: AccountKind;
  active: boolean;
  name: string;
  scopes: string[];
  ending: string;
  parentId: string | null;
  createdByName: string | null;
  createdAt: Date;
  expiresAt: Date | null;
  lastUsedAt: Date | null;
  lastUsedAddress: string | null;
  revokedAt: Date | null;
}

export interface ApiTokenFilter {
  userId?: string | undefined;
  id?: string | undefined;
  q?: string | undefined;
  live?: boolean | undefined;
  beforeId?: string | undefined;
  limit: number;
  now: Date;
}

/** The newest first. */
export async function selectApiTokens(q: Query, f: ApiTokenFilter): Promise<ApiTokenRow[]> {
  const live = q`(t.revoked_at is null and (t.expires_at is null or t.expires_at > ${f.now}) and u.active)`;
  return q<ApiTokenRow[]>`
    select t.id, t.user_id, u.username, u.kind, u.active, t.name, t.scopes, t.ending, t.parent_id,
      c.username as created_by_name, t.created_at, t.expires_at, t.last_used_at, t.last_used_address, t.revoked_at
    from identity.api_tokens t
    join identity.users u on u.id = t.user_id
    left join identity.users c on c.id = t.created_by
    where ${f.userId === undefined ? q`true` : q`t.user_id = ${f.userId}`}
      and ${f.id === undefined ? q`true` : q`t.id = ${f.id}`}
      and ${f.q === undefined ? q`true` : q`position(lower(${f.q}) in lower(t.name || ' ' || u.username)) > 0`}
      and ${f.live === undefined ? q`true` : f.live ? live : q`not ${live}`}
      and ${f.beforeId === undefined ? q`true` : q`t.id < ${f.beforeId}`}
    order by t.id desc limit ${f.limit}`;
}

/** Ends a token and all that were made with it, however far down; what had ended already is not among the answer. */
export async function revokeTokenTree(tx: Query, id: string, now: Date): Promise<{ id: string; name: string }[]> {
  return tx<{ id: string; name: string }[]>`
    with recursive tree as (
      select id from identity.api_tokens where id = ${id}
      union select t.id from identity.api_tokens t join tree on t.parent_id = tree.id)
    update identity.api_tokens set revoked_at = ${now}
    where id in (select id from tree) and revoked_at is null returning id, name`;
}

export interface TokenUse {
  id: string;
  at: Date;
  address: string | null;
}

export async function updateTokenUses(sql: Query, uses: readonly TokenUse[]): Promise<void> {
  await sql`
    update identity.api_tokens t set last_used_at = u.at, last_used_address = u.address
    from unnest(${uses.map(({ id }) => id)}::uuid[], ${uses.map(({ at }) => at.toISOString())}::timestamptz[],
      ${uses.map(({ address }) => address)}::text[]) as u(id, at, address)
    where t.id = u.id and (t.last_used_at is null or t.last_used_at < u.at)`;
}

/** True once in a while: a program that goes on with a token that ended must not fill the audit log. */
export async function claimRefusal(sql: Query, id: string, now: Date, since: Date): Promise<boolean> {
  const { count } = await sql`
    update identity.api_tokens set refused_at = ${now} where id = ${id} and (refused_at is null or refused_at < ${since})`;
  return count > 0;
}
