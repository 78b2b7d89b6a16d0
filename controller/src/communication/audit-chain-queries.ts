// SQL of the audit log's chain and checkpoints: the appender writes them, verification and export read them.
import type { AuditRecord } from "@opsconductor/contract/audit-chain";
import type { Query } from "../context.ts";

type Fragment = ReturnType<Query>;

/** The row with every field that is hashed; its time is text, because a Date has no microseconds. */
export const recordColumns = (q: Query): Fragment => q`a.id,
  to_char(a.at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at, a.actor_kind, a.actor_id, a.actor_name,
  a.session_id, a.request_id, a.address, a.action, a.object_kind, a.object_id, a.object_name, a.outcome,
  a.before, a.after, a.detail`;

/** False when another controller appends right now. Held until the transaction ends. */
export async function tryLockChain(tx: Query): Promise<boolean> {
  const [row] = await tx<{ held: boolean }[]>`
    select pg_try_advisory_xact_lock(hashtext('communication.audit_chain')) as held`;
  return row!.held;
}

/** The oldest first, as far as clocks agree: the chain's order is the appender's word. */
export async function selectUnchained(tx: Query, limit: number): Promise<AuditRecord[]> {
  return tx<AuditRecord[]>`
    select ${recordColumns(tx)} from communication.audit_unchained u join communication.audit a on a.id = u.audit_id
    order by u.audit_id limit ${limit}`;
}

export interface ChainLink {
  position: bigint;
  hash: Buffer;
}

export async function selectLastLink(q: Query): Promise<ChainLink | undefined> {
  const [row] = await q<ChainLink[]>`
    select position, hash from communication.audit_chain order by position desc limit 1`;
  return row;
}

/** As one jsonb parameter, like all rows that travel in bulk. */
export async function insertLinks(tx: Query, links: readonly (ChainLink & { auditId: string })[]): Promise<void> {
  const rows = links.map(({ position, auditId, hash }) => ({
    position: String(position),
    audit_id: auditId,
    hash: `\\x${hash.toString("hex")}`,
  }));
  await tx`
    insert into communication.audit_chain (position, audit_id, hash)
    select * from jsonb_to_recordset(${tx.json(rows)}) as r(position bigint, audit_id uuid, hash bytea)`;
  await tx`delete from communication.audit_unchained where audit_id = any(${links.map((l) => l.auditId)}::uuid[])`;
}

export interface CheckpointRow extends ChainLink {
  at: string;
  keyId: string;
  signature: Buffer;
}

const checkpointColumns = (q: Query): Fragment => q`position, hash, key_id, signature,
  to_char(at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at`;

export async function selectLastCheckpoint(q: Query): Promise<CheckpointRow | undefined> {
  const [row] = await q<CheckpointRow[]>`
    select ${checkpointColumns(q)} from communication.audit_checkpoints order by position desc limit 1`;
  return row;
}

export async function selectCheckpoints(q: Query): Promise<CheckpointRow[]> {
  return q<CheckpointRow[]>`select ${checkpointColumns(q)} from communication.audit_checkpoints order by position`;
}

/** Where retention left off; undefined when nothing was ever removed. */
export async function selectAnchor(q: Query): Promise<CheckpointRow | undefined> {
  const [row] = await q<CheckpointRow[]>`
    select ${checkpointColumns(q)} from communication.audit_anchors order by position desc limit 1`;
  return row;
}

/** The last of the oldest rows, at most `limit` of them, that are all from before `cutoff`. */
export async function selectPrunable(q: Query, cutoff: Date, limit: number): Promise<ChainLink | undefined> {
  const [row] = await q<ChainLink[]>`
    with oldest as (
      select c.position, c.hash, a.at from communication.audit_chain c left join communication.audit a on a.id = c.audit_id
      order by c.position limit ${limit}
    )
    select position, hash from oldest
    where position < coalesce((select min(position) from oldest where at is null or at >= ${cutoff}), 9223372036854775807)
    order by position desc limit 1`;
  return row;
}

/** Returns how many rows were removed. */
export async function pruneRows(tx: Query, a: CheckpointRow): Promise<bigint> {
  const [row] = await tx<[{ removed: bigint }]>`
    select communication.prune_audit(${a.position}, ${a.hash}, ${a.at}::text::timestamptz, ${a.keyId}, ${a.signature}) as removed`;
  return row.removed;
}

/** Two controllers that sign the same position at once say the same. */
export async function insertCheckpoint(q: Query, c: CheckpointRow): Promise<void> {
  await q`
    insert into communication.audit_checkpoints (position, hash, at, key_id, signature)
    values (${c.position}, ${c.hash}, ${c.at}::text::timestamptz, ${c.keyId}, ${c.signature}) on conflict do nothing`;
}

/** A chained row; every field of the record is null when the row itself is gone. */
export type ChainedRow = ChainLink & { auditId: string } & (AuditRecord | { id: null });

export async function selectChain(q: Query, after: bigint, limit: number): Promise<ChainedRow[]> {
  return q<ChainedRow[]>`
    select c.position, c.hash, c.audit_id, ${recordColumns(q)}
    from communication.audit_chain c left join communication.audit a on a.id = c.audit_id
    where c.position > ${after} order by c.position limit ${limit}`;
}

/** Rows that are in no chain and do not wait for one, or wait since before `since`. */
export async function selectForgotten(q: Query, since: Date): Promise<{ id: string }[]> {
  return q<{ id: string }[]>`
    select a.id from communication.audit a
    where not exists (select from communication.audit_chain c where c.audit_id = a.id)
      and (a.at < ${since} or not exists (select from communication.audit_unchained u where u.audit_id = a.id))
    order by a.id limit 100`;
}
