// Rows of fleet.enrollment_tokens; called by the verbs about join tokens and by enroll-agent.ts.
import type { Query } from "../context.ts";

export interface EnrollmentTokenRow {
  id: string;
  namePattern: string | null;
  labels: Record<string, string>;
  cidr: string | null;
  createdAt: Date;
  createdByName: string | null;
  expiresAt: Date;
  usedAt: Date | null;
  usedByKey: Buffer | null;
  usedByAgent: string | null;
  usedByAgentName: string | null;
  refusedAt: Date | null;
  revokedAt: Date | null;
}

export interface NewEnrollmentToken {
  id: string;
  secretSha256: Uint8Array;
  namePattern: string | null;
  labels: Record<string, string>;
  cidr: string | null;
  createdBy: string | null;
  createdAt: Date;
  expiresAt: Date;
}

export async function insertEnrollmentToken(tx: Query, t: NewEnrollmentToken): Promise<void> {
  await tx`
    insert into fleet.enrollment_tokens (id, secret_sha256, name_pattern, labels, cidr, created_by, created_at, expires_at)
    values (${t.id}, ${t.secretSha256}, ${t.namePattern}, ${tx.json(t.labels)}, ${t.cidr}::cidr, ${t.createdBy},
      ${t.createdAt}, ${t.expiresAt})`;
}

/** Newest first, after the cursor when there is one. */
export async function selectEnrollmentTokens(
  sql: Query,
  params: { limit: number; before: { createdAt: Date; id: string } | undefined; id?: string },
): Promise<EnrollmentTokenRow[]> {
  const { before } = params;
  return sql<EnrollmentTokenRow[]>`
    select t.id, t.name_pattern, t.labels, t.cidr::text as cidr, t.created_at, u.username as created_by_name, t.expires_at,
      t.used_at, t.used_by_key, t.used_by_agent, a.name as used_by_agent_name, t.refused_at, t.revoked_at
    from fleet.enrollment_tokens t
    left join identity.users u on u.id = t.created_by
    left join fleet.agents a on a.id = t.used_by_agent
    where ${params.id === undefined ? sql`true` : sql`t.id = ${params.id}`}
      and ${before ? sql`(t.created_at, t.id) < (${before.createdAt}, ${before.id})` : sql`true`}
    order by t.created_at desc, t.id desc limit ${params.limit}`;
}

export async function revokeTokenRow(tx: Query, id: string, now: Date): Promise<boolean> {
  const rows = await tx`
    update fleet.enrollment_tokens set revoked_at = ${now}
    where id = ${id} and revoked_at is null and used_at is null returning id`;
  return rows.length > 0;
}

export interface TokenPresented {
  id: string;
  secretSha256: Uint8Array;
  identityKey: Uint8Array;
  address: string;
  now: Date;
}

/**
 * The one statement that consumes a token. Concurrent uses queue on the row's lock, and all but the first then find
 * used_at set: exactly one succeeds, however many arrive at once.
 */
export async function consumeToken(
  tx: Query,
  p: TokenPresented,
): Promise<{ namePattern: string | null; createdBy: string | null } | undefined> {
  const rows = await tx<{ namePattern: string | null; createdBy: string | null }[]>`
    update fleet.enrollment_tokens set used_at = ${p.now}, used_by_key = ${p.identityKey}
    where id = ${p.id} and secret_sha256 = ${p.secretSha256} and used_at is null and revoked_at is null
      and expires_at > ${p.now} and (cidr is null or ${p.address}::inet <<= cidr)
    returning name_pattern, created_by`;
  return rows[0];
}

export interface RefusedTokenRow {
  usedByKey: Buffer | null;
  usedByAgent: string | null;
  usedAt: Date | null;
  revokedAt: Date | null;
  expiresAt: Date;
  inCidr: boolean;
}

/** What is known about a token that consumeToken did not take; undefined when id and secret do not fit together. */
export async function explainToken(tx: Query, p: TokenPresented): Promise<RefusedTokenRow | undefined> {
  const rows = await tx<RefusedTokenRow[]>`
    select used_by_key, used_by_agent, used_at, revoked_at, expires_at,
      (cidr is null or ${p.address}::inet <<= cidr) as in_cidr
    from fleet.enrollment_tokens where id = ${p.id} and secret_sha256 = ${p.secretSha256}`;
  return rows[0];
}

export async function recordRefusedToken(tx: Query, id: string, now: Date): Promise<void> {
  await tx`update fleet.enrollment_tokens set refused_at = ${now} where id = ${id}`;
}

export async function nameTokensAgent(tx: Query, id: string, agentId: string): Promise<void> {
  await tx`update fleet.enrollment_tokens set used_by_agent = ${agentId} where id = ${id}`;
}

export async function tokenLabels(tx: Query, id: string): Promise<Record<string, string>> {
  const rows = await tx<{ labels: Record<string, string> }[]>`
    select labels from fleet.enrollment_tokens where id = ${id}`;
  return rows[0]?.labels ?? {};
}
