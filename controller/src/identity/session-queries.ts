// SQL of sessions and refresh tokens.
import type { Query } from "../context.ts";
import { grantsOfUser, mfaByGrant } from "./grant-rows.ts";
import type { GrantSource } from "./grants.ts";
import { voidSignIns } from "./user-queries.ts";

export interface SessionUser {
  userId: string;
  username: string;
  mustChangePassword: boolean;
  mustSetUpFactor: boolean;
  authenticatedAt: Date;
  /** Of roles over everything. */
  permissions: string[];
  grants: GrantSource[];
  /** Revoked, expired, idle for too long, or the user was disabled. */
  live: boolean;
}

/** Read for nearly every request (cached for a second), so one indexed statement. */
export async function selectSessionUser(sql: Query, sessionId: string, now: Date): Promise<SessionUser | undefined> {
  const [row] = await sql<SessionUser[]>`
    select u.id as user_id, u.username, s.authenticated_at, u.must_change_password,
      u.password_hash is not null
        and (exists (select from identity.user_roles ur join identity.roles r on r.id = ur.role_id
          where ur.user_id = u.id and r.mfa_required) or ${mfaByGrant(sql)})
        and not exists (select from identity.totp_factors f where f.user_id = u.id and f.confirmed_at is not null)
        and not exists (select from identity.passkeys k where k.user_id = u.id) as must_set_up_factor,
      s.revoked_at is null and s.expires_at > ${now} and s.idle_until > ${now} and u.active as live,
      coalesce((select array_agg(distinct p) from identity.user_roles ur
        join identity.roles r on r.id = ur.role_id, unnest(r.permissions) p where ur.user_id = u.id), '{}') as permissions,
      ${grantsOfUser(sql)} as grants
    from identity.sessions s join identity.users u on u.id = s.user_id
    where s.id = ${sessionId}`;
  return row;
}

export interface NewSession {
  id: string;
  userId: string;
  now: Date;
  idleUntil: Date;
  expiresAt: Date;
  address: string | null;
  userAgent: string | null;
  methods: string[];
  providerSid: string | null;
}

/** Whether a session of the user, also one that has ended, came from there with this browser. */
export async function isKnownOrigin(
  sql: Query,
  s: Pick<NewSession, "userId" | "address" | "userAgent">,
): Promise<boolean> {
  const [row] = await sql<{ known: boolean }[]>`
    select exists (select from identity.sessions where user_id = ${s.userId}
      and address is not distinct from ${s.address} and user_agent is not distinct from ${s.userAgent}) as known`;
  return row!.known;
}

export async function insertSession(sql: Query, s: NewSession): Promise<void> {
  await sql`
    insert into identity.sessions (id, user_id, created_at, last_used_at, idle_until, expires_at, address, user_agent,
      methods, authenticated_at, provider_sid)
    values (${s.id}, ${s.userId}, ${s.now}, ${s.now}, ${s.idleUntil}, ${s.expiresAt}, ${s.address}, ${s.userAgent},
      ${s.methods}, ${s.now}, ${s.providerSid})`;
}

export async function insertRefreshToken(sql: Query, sha256: Buffer, sessionId: string, now: Date): Promise<void> {
  await sql`insert into identity.refresh_tokens (sha256, session_id, issued_at) values (${sha256}, ${sessionId}, ${now})`;
}

export interface PresentedToken {
  sessionId: string;
  userId: string;
  username: string;
  usedAt: Date | null;
  userAgent: string | null;
  live: boolean;
}

/** Locks the session, so that two presentations of one token are judged one after the other. */
export async function lockPresentedToken(sql: Query, sha256: Buffer, now: Date): Promise<PresentedToken | undefined> {
  await sql`select from identity.sessions
    where id = (select session_id from identity.refresh_tokens where sha256 = ${sha256}) for update`;
  const [row] = await sql<PresentedToken[]>`
    select t.session_id, s.user_id, u.username, t.used_at, s.user_agent,
      s.revoked_at is null and s.expires_at > ${now} and s.idle_until > ${now} and u.active as live
    from identity.refresh_tokens t
    join identity.sessions s on s.id = t.session_id
    join identity.users u on u.id = s.user_id
    where t.sha256 = ${sha256}`;
  return row;
}

/** Used tokens are kept for a day, to recognise one that was stolen and comes late. */
export async function replaceRefreshToken(
  sql: Query,
  used: { sha256: Buffer; successorSalt: Buffer; sessionId: string },
  next: Buffer,
  now: Date,
): Promise<void> {
  await sql`update identity.refresh_tokens set used_at = ${now}, successor_salt = ${used.successorSalt}
    where sha256 = ${used.sha256}`;
  await insertRefreshToken(sql, next, used.sessionId, now);
  await sql`delete from identity.refresh_tokens
    where session_id = ${used.sessionId} and used_at < ${new Date(now.getTime() - 86_400_000)}`;
}

/** Null while the token has not been used; undefined when there is no such token. */
export async function selectSuccessorSalt(sql: Query, sha256: Buffer): Promise<Buffer | null | undefined> {
  const [row] = await sql<{ successorSalt: Buffer | null }[]>`
    select successor_salt from identity.refresh_tokens where sha256 = ${sha256}`;
  return row?.successorSalt;
}

export async function touchSession(sql: Query, id: string, now: Date, idleUntil: Date): Promise<void> {
  await sql`update identity.sessions set last_used_at = ${now}, idle_until = ${idleUntil} where id = ${id}`;
}

export async function selectAuthenticatedAt(sql: Query, id: string): Promise<Date | undefined> {
  const [row] = await sql<{ authenticatedAt: Date }[]>`select authenticated_at from identity.sessions where id = ${id}`;
  return row?.authenticatedAt;
}

export async function updateAuthenticatedAt(tx: Query, id: string, now: Date): Promise<void> {
  await tx`update identity.sessions set authenticated_at = ${now} where id = ${id} and revoked_at is null`;
}

/** The browsers of these sessions, open or over. */
export async function selectUserAgents(sql: Query, ids: string[]): Promise<Map<string, string | null>> {
  const rows = await sql<{ id: string; userAgent: string | null }[]>`
    select id, user_agent from identity.sessions where id = any(${ids})`;
  return new Map(rows.map(({ id, userAgent }) => [id, userAgent]));
}

/** False when it was revoked already. */
export async function revokeSession(sql: Query, id: string, reason: string, now: Date): Promise<boolean> {
  const { count } = await sql`update identity.sessions set revoked_at = ${now}, revoked_reason = ${reason}
    where id = ${id} and revoked_at is null`;
  return count > 0;
}

/** What was proven when it began. */
export async function selectMethods(sql: Query, id: string): Promise<string[]> {
  const [row] = await sql<{ methods: string[] }[]>`select methods from identity.sessions where id = ${id}`;
  return row?.methods ?? [];
}

/** The user's row is locked first: a sign-in that made its session before is found here, one that comes later is void. */
export async function revokeOtherSessions(sql: Query, userId: string, keep: string | null, reason: string, now: Date) {
  await voidSignIns(sql, userId);
  await sql`update identity.sessions set revoked_at = ${now}, revoked_reason = ${reason}
    where user_id = ${userId} and revoked_at is null and id is distinct from ${keep}`;
  await sql`delete from identity.auth_challenges where user_id = ${userId}`; // a sign-in half done is one, too
}

/** Sessions that began with a sign-on at the provider, all or those of one session there. Answers how many have ended. */
export async function revokeSignOnSessions(
  tx: Query,
  userId: string,
  { providerSid, reason, now }: { providerSid: string | undefined; reason: string; now: Date },
): Promise<number> {
  await voidSignIns(tx, userId);
  const { count } = await tx`
    update identity.sessions set revoked_at = ${now}, revoked_reason = ${reason}
    where user_id = ${userId} and revoked_at is null and 'oidc' = any(methods)
      and ${providerSid === undefined ? tx`true` : tx`provider_sid = ${providerSid}`}`;
  return count;
}

/** Whether the account ever signed in from `address` (asked at every attempt, so by index): such addresses are not held back by strangers' failures. */
export async function signedInFrom(sql: Query, userId: string, address: string): Promise<boolean> {
  const [row] = await sql`select from identity.sessions where user_id = ${userId} and address = ${address} limit 1`;
  return row !== undefined;
}

export interface LiveSessionRow {
  id: string;
  createdAt: Date;
  lastUsedAt: Date;
  expiresAt: Date;
  address: string | null;
  userAgent: string | null;
}

/** The latest used first. */
export async function selectLiveSessions(sql: Query, userId: string, now: Date): Promise<LiveSessionRow[]> {
  return sql<LiveSessionRow[]>`
    select id, created_at, last_used_at, expires_at, address, user_agent from identity.sessions
    where user_id = ${userId} and revoked_at is null and expires_at > ${now} and idle_until > ${now}
    order by last_used_at desc`;
}
