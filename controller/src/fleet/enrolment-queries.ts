// What an enrolment writes: the agent and the target that is its own host. Called by enroll-agent.ts inside its
// transaction.
import type { Query } from "../context.ts";

/** Two hosts of the same name that enrol at once take turns, so that each finds a free name. Held to the end. */
export async function lockNames(tx: Query): Promise<void> {
  await tx`select pg_advisory_xact_lock(hashtext('fleet.agents.name'))`;
}

/**
 * Which of `names` (lower case) a new agent may not take: those of living agents, and those of targets that a living
 * agent manages. A target nobody manages yet is waiting for its agent.
 */
export async function takenNames(tx: Query, names: readonly string[]): Promise<Set<string>> {
  const rows = await tx<{ name: string }[]>`
    select lower(name) as name from fleet.agents
    where status <> 'revoked' and lower(name) = any(${names as string[]})
    union
    select lower(t.name) from assets.targets t join fleet.agents a on a.id = t.managed_by_agent_id
    where t.deleted_at is null and a.status <> 'revoked' and lower(t.name) = any(${names as string[]})`;
  return new Set(rows.map((r) => r.name));
}

export interface KnownIdentity {
  id: string;
  name: string;
  status: string;
}

export async function agentByIdentity(tx: Query, identityKey: Uint8Array): Promise<KnownIdentity | undefined> {
  const rows = await tx<KnownIdentity[]>`
    select id, name, status from fleet.agents where identity_key = ${identityKey} for update`;
  return rows[0];
}

export interface NewAgent {
  id: string;
  name: string;
  identityKey: Uint8Array;
  sealingKey: Uint8Array;
  serial: string;
  certificateNotAfter: Date;
  version: string;
  protocolVersion: number;
  platform: Record<string, string>;
  labels: Record<string, string>;
  tokenId: string;
  targetId: string;
  now: Date;
}

export async function insertAgent(tx: Query, a: NewAgent): Promise<void> {
  await tx`
    insert into fleet.agents (id, name, status, identity_key, sealing_key, current_serial, certificate_not_after,
      version, protocol_version, platform, labels, enrolled_at, enrolled_by, own_target_id)
    values (${a.id}, ${a.name}, 'active', ${a.identityKey}, ${a.sealingKey}, ${a.serial}, ${a.certificateNotAfter},
      ${a.version}, ${a.protocolVersion}, ${tx.json(a.platform)}, ${tx.json(a.labels)}, ${a.now}, ${a.tokenId},
      ${a.targetId})`;
}

/** The same host again: its older certificate stays valid until the new one was used. */
export async function reissueAgent(tx: Query, id: string, sealingKey: Uint8Array, serial: string): Promise<void> {
  await tx`
    update fleet.agents set pending_serial = ${serial}, sealing_key = ${sealingKey}, revision = revision + 1
    where id = ${id}`;
}

export interface OwnTarget {
  id: string;
  name: string;
  hostname: string | null;
  address: string | null;
  os: string | null;
  labels: Record<string, string>;
  agentId: string;
  now: Date;
}

/** A target of this name, which nobody living manages (takenNames saw to that): it waits for its agent. */
export async function waitingTarget(tx: Query, name: string): Promise<string | undefined> {
  const rows = await tx<{ id: string }[]>`
    select id from assets.targets where lower(name) = lower(${name}) and deleted_at is null for update`;
  return rows[0]?.id;
}

/** Makes the target, or gives the waiting one of this id to the agent; what people wrote about it stays. */
export async function putOwnTarget(tx: Query, t: OwnTarget): Promise<void> {
  await tx`
    insert into assets.targets (id, name, hostname, address, os, labels, managed_by_agent_id, created_at, updated_at)
    values (${t.id}, ${t.name}, ${t.hostname}, ${t.address}, ${t.os}, ${tx.json(t.labels)}, ${t.agentId}, ${t.now},
      ${t.now})
    on conflict (id) do update set managed_by_agent_id = excluded.managed_by_agent_id,
      labels = assets.targets.labels || excluded.labels, hostname = coalesce(assets.targets.hostname, excluded.hostname),
      address = coalesce(assets.targets.address, excluded.address), os = coalesce(assets.targets.os, excluded.os),
      updated_at = excluded.updated_at, revision = assets.targets.revision + 1`;
}
