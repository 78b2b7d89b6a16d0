// The rows that say which stream is an agent's live one, and which certificates it may use. Called by open-session.ts,
// close-session.ts, check-trust.ts and renew-certificate.ts.
import type { Query } from "../context.ts";

export interface TrustRow {
  id: string;
  name: string;
  status: "active" | "quarantined" | "revoked";
  currentSerial: string | null;
  pendingSerial: string | null;
  previousSerial: string | null;
  serialActivatedAt: Date | null;
  reauthentications: number;
  journalId: string | null;
  journalPosition: bigint | null;
}

/** Locked until the transaction ends: hellos, renewals and revocations of one agent take turns. */
export async function lockAgent(
  tx: Query,
  id: string,
): Promise<(TrustRow & { assignmentLimit: number | null }) | undefined> {
  const rows = await tx<(TrustRow & { assignmentLimit: number | null })[]>`
    select id, name, status, current_serial, pending_serial, previous_serial, serial_activated_at, reauthentications,
      journal_id, journal_position, assignment_limit
    from fleet.agents where id = ${id} for update`;
  return rows[0];
}

export async function updateAgentLimit(q: Query, agentId: string, limit: number | null): Promise<void> {
  await q`update fleet.agents set assignment_limit = ${limit}, revision = revision + 1 where id = ${agentId}`;
}

export async function trustOf(sql: Query, ids: readonly string[]): Promise<TrustRow[]> {
  return sql<TrustRow[]>`
    select id, name, status, current_serial, pending_serial, previous_serial, serial_activated_at, reauthentications,
      journal_id, journal_position
    from fleet.agents where id = any(${ids as string[]}::uuid[])`;
}

/** The pending certificate was used: it becomes the current one, and the older is remembered to recognise its return. */
export async function activateSerial(tx: Query, id: string, serial: string, notAfter: Date, now: Date): Promise<void> {
  await tx`
    update fleet.agents set previous_serial = current_serial, current_serial = ${serial}, pending_serial = null,
      serial_activated_at = ${now}, certificate_not_after = ${notAfter}
    where id = ${id} and pending_serial = ${serial}`;
}

export async function setPendingSerial(tx: Query, id: string, serial: string): Promise<void> {
  await tx`update fleet.agents set pending_serial = ${serial}, reauthentications = 0 where id = ${id}`;
}

export interface SessionRow {
  epoch: bigint;
  controllerId: string | null;
  incarnation: string | null;
  pastIncarnations: string[];
  bootId: string | null;
  /** That held the latest stream, also when it is closed. */
  lastControllerId: string | null;
  remoteAddress: string | null;
  connectedAt: Date | null;
  closedAt: Date | null;
}

/** The agent's row is locked by lockAgent before, so this cannot race with another hello. */
export async function readSession(tx: Query, agentId: string): Promise<SessionRow | undefined> {
  const rows = await tx<SessionRow[]>`
    select epoch, controller_id, incarnation, past_incarnations, boot_id, remote_address, connected_at, closed_at,
      last_controller_id
    from fleet.agent_sessions where agent_id = ${agentId}`;
  return rows[0];
}

export interface NewSession {
  agentId: string;
  controllerId: string;
  incarnation: string;
  pastIncarnations: string[];
  bootId: string;
  serial: string;
  remoteAddress: string;
  now: Date;
}

/** Waits for every write of the older stream that holds the row for share, then ends its right to write. */
export async function raiseEpoch(tx: Query, s: NewSession): Promise<bigint> {
  const rows = await tx<{ epoch: bigint }[]>`
    insert into fleet.agent_sessions (agent_id, epoch, controller_id, last_controller_id, incarnation, past_incarnations,
      boot_id, serial, remote_address, connected_at)
    values (${s.agentId}, 1, ${s.controllerId}, ${s.controllerId}, ${s.incarnation}, ${s.pastIncarnations}, ${s.bootId}, ${s.serial},
      ${s.remoteAddress}, ${s.now})
    on conflict (agent_id) do update set epoch = fleet.agent_sessions.epoch + 1, controller_id = excluded.controller_id,
      last_controller_id = excluded.controller_id, incarnation = excluded.incarnation, past_incarnations = excluded.past_incarnations, boot_id = excluded.boot_id,
      serial = excluded.serial, remote_address = excluded.remote_address, connected_at = excluded.connected_at,
      closed_at = null, close_reason = null
    returning epoch`;
  return rows[0]!.epoch;
}

export interface HelloColumns {
  version: string;
  protocolVersion: number;
  platform: Record<string, string>;
  actions: string[];
  journalId: string;
  journalPosition: bigint;
}

export async function recordHello(tx: Query, id: string, h: HelloColumns, now: Date): Promise<void> {
  await tx`
    update fleet.agents set version = ${h.version}, protocol_version = ${h.protocolVersion},
      platform = ${tx.json(h.platform)}, actions = ${h.actions}, journal_id = ${h.journalId},
      journal_position = ${h.journalPosition}, last_seen_at = ${now}, revision = revision + 1
    where id = ${id}`;
}

export async function closeSessionRow(
  sql: Query,
  params: { agentId: string; epoch: bigint; reason: string; now: Date },
): Promise<boolean> {
  const rows = await sql`
    update fleet.agent_sessions set controller_id = null, closed_at = ${params.now}, close_reason = ${params.reason}
    where agent_id = ${params.agentId} and epoch = ${params.epoch} and controller_id is not null returning 1`;
  return rows.length > 0;
}

/**
 * Closes what this controller seems to hold and does not: the end of a stream, or the answer to a hello, met a database
 * that was away. Sessions opened after `before` are left alone, since their stream may just be on its way into `held`.
 */
export async function closeLostSessions(
  sql: Query,
  p: { controllerId: string; held: readonly { agentId: string; epoch: bigint }[]; before: Date; now: Date },
): Promise<string[]> {
  const held = p.held.map((h) => ({ agentId: h.agentId, epoch: String(h.epoch) }));
  const rows = await sql<{ agentId: string }[]>`
    update fleet.agent_sessions s set controller_id = null, closed_at = ${p.now}, close_reason = 'the connection was lost'
    where s.controller_id = ${p.controllerId} and s.connected_at < ${p.before} and not exists (
      select from jsonb_to_recordset(${sql.json(held)}) as h("agentId" uuid, epoch bigint)
      where h."agentId" = s.agent_id and h.epoch = s.epoch)
    returning s.agent_id`;
  return rows.map((r) => r.agentId);
}

/** Only an active agent is quarantined; returns whether this call did it. */
export async function quarantineRow(tx: Query, id: string, reason: string, detail: object): Promise<boolean> {
  const rows = await tx`
    update fleet.agents set status = 'quarantined', status_reason = ${reason}, quarantine = ${tx.json(detail as never)}, revision = revision + 1
    where id = ${id} and status = 'active' returning 1`;
  return rows.length > 0;
}

export async function releaseRow(tx: Query, id: string): Promise<void> {
  await tx`
    update fleet.agents set status = 'active', status_reason = null, quarantine = null, revision = revision + 1
    where id = ${id} and status = 'quarantined'`;
  // What was known of its past is no longer held against it.
  await tx`update fleet.agent_sessions set past_incarnations = '{}' where agent_id = ${id}`;
}

export async function revokeRow(tx: Query, id: string, reason: string): Promise<void> {
  await tx`
    update fleet.agents set status = 'revoked', status_reason = ${reason}, current_serial = null, pending_serial = null,
      previous_serial = null, revision = revision + 1
    where id = ${id} and status <> 'revoked'`;
}

/** Every controller reads this counter each second and looks at its streams when it moved. */
export async function raiseRevocations(tx: Query): Promise<void> {
  await tx`update fleet.cluster set revocations = revocations + 1`;
}

export async function readRevocations(sql: Query): Promise<bigint> {
  const rows = await sql<{ revocations: bigint }[]>`select revocations from fleet.cluster`;
  return rows[0]?.revocations ?? 0n;
}

export async function sessionEpochs(
  sql: Query,
  ids: readonly string[],
): Promise<{ agentId: string; epoch: bigint; controllerId: string | null }[]> {
  return sql`
    select agent_id, epoch, controller_id from fleet.agent_sessions where agent_id = any(${ids as string[]}::uuid[])`;
}
