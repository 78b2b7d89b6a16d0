// SQL of the contradictions that agents found between the audit log's chain and what they keep of it.
import type { Query } from "../context.ts";
import type { ChainLink } from "./audit-chain-queries.ts";

export interface ForkRow {
  id: string;
  agentId: string;
  agentName: string;
  kind: string;
  position: bigint;
  keptHash: Buffer;
  toldPosition: bigint;
  toldHash: Buffer | null;
  proven: boolean;
  noticedAt: Date;
  reportedAt: Date;
  settledAt: Date | null;
  settledBy: string | null;
  settledReason: string | null;
}

export type NewFork = Omit<ForkRow, "agentName" | "settledAt" | "settledBy" | "settledReason">;

/** False when it is known already. */
export async function insertFork(tx: Query, f: NewFork): Promise<boolean> {
  const rows = await tx`
    insert into communication.audit_forks (id, agent_id, kind, position, kept_hash, told_position, told_hash, proven,
      noticed_at, reported_at)
    values (${f.id}, ${f.agentId}, ${f.kind}, ${f.position}, ${f.keptHash}, ${f.toldPosition}, ${f.toldHash}, ${f.proven},
      ${f.noticedAt}, ${f.reportedAt})
    on conflict do nothing returning id`;
  return rows.length > 0;
}

/** The newest first; those that nobody has settled before the others. */
export async function selectForks(q: Query, limit: number): Promise<ForkRow[]> {
  return q<ForkRow[]>`
    select f.*, a.name as agent_name from communication.audit_forks f join fleet.agents a on a.id = f.agent_id
    order by f.settled_at is not null, f.reported_at desc, f.id limit ${limit}`;
}

export async function countOpenForks(q: Query, agentId?: string): Promise<number> {
  const [row] = await q<[{ open: bigint }]>`
    select count(*) as open from communication.audit_forks
    where settled_at is null and ${agentId === undefined ? q`true` : q`agent_id = ${agentId}`}`;
  return Number(row.open);
}

export async function settleForkRow(
  tx: Query,
  { id, at, by, reason }: { id: string; at: Date; by: string; reason: string },
): Promise<ForkRow | undefined> {
  const [row] = await tx<ForkRow[]>`
    update communication.audit_forks f set settled_at = ${at}, settled_by = ${by}, settled_reason = ${reason}
    from fleet.agents a where f.id = ${id} and f.settled_at is null and a.id = f.agent_id
    returning f.*, a.name as agent_name`;
  return row;
}

/** What the chain has at these positions, and its end. */
export async function selectLinksAt(q: Query, positions: readonly bigint[]): Promise<ChainLink[]> {
  return q<ChainLink[]>`
    select position, hash from communication.audit_chain where position = any(${positions.map(String)}::bigint[])
    union select position, hash from communication.audit_anchors where position = any(${positions.map(String)}::bigint[])
    union select * from (select position, hash from communication.audit_chain order by position desc limit 1) as last`;
}
