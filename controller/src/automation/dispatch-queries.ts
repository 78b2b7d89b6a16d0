// Claiming queued assignments for agents, and reading what an offer carries. Concurrency-critical: see claimAssignments.
import type { Query } from "../context.ts";
import type { Fragment } from "../identity/visible-to.ts";
import { jsonb } from "../jsonb.ts";

/** Nothing is offered from a database that a person has to accept first, or whose restart nobody has looked at. */
export const mayOffer = (q: Query): Fragment => q`
  (select dispatch_paused_at is null and (life_started_at is null or life_started_at = pg_postmaster_start_time())
    from fleet.cluster)`;

/** An agent connected to this controller, and how many more assignments it may hold. */
export interface AgentRoom {
  agentId: string;
  epoch: string;
  room: number;
}

export interface ClaimedAssignment {
  id: string;
  executionId: string;
  stageId: string;
  agentId: string;
  targetName: string;
}

/** The agents of `rooms` whose streams are live, with their sessions locked for share against a newer stream. */
export const liveRooms = (q: Query, rooms: readonly AgentRoom[]): Fragment => q`
  select s.agent_id, s.epoch, r.room
  from jsonb_to_recordset(${jsonb(q, rooms)}) as r("agentId" uuid, epoch bigint, room integer)
  join fleet.agent_sessions s on s.agent_id = r."agentId" and s.epoch = r.epoch and s.controller_id is not null
  where ${mayOffer(q)}
  order by s.agent_id for share of s`;

/**
 * Turns queued assignments into offered ones: a new attempt with a new fence each, the urgent ones and then the oldest
 * first, as many as each agent has room for and not more than `most` (null: any number). The caller commits before it sends anything.
 *
 * Two claims never take one row: `skip locked` passes over what another claim, a cancel or the expiry holds, and the
 * update names the state again. The session's row is locked for share with its epoch, so a claim for a stream that was
 * replaced meanwhile takes nothing.
 */
export async function claimAssignments(
  q: Query,
  rooms: readonly AgentRoom[],
  { at, most }: { at: Date; most: number | null },
): Promise<ClaimedAssignment[]> {
  return await q<ClaimedAssignment[]>`
    with live as materialized (${liveRooms(q, rooms)}), picked as materialized (
      select p.id, l.epoch from live l cross join lateral (
        select a.id, a.priority from automation.assignments a
        where a.agent_id = l.agent_id and a.state = 'queued' and a.released
        order by a.priority desc, a.id limit l.room for no key update skip locked
      ) p order by p.priority desc, p.id limit ${most}::integer
    )
    update automation.assignments a
    set state = 'offered', attempt = a.attempt + 1, last_seq = 0, finish = null, offered_at = ${at}, offered_epoch = p.epoch,
      state_reason = null,
      fence = ((select generation from fleet.cluster)::bigint << 40) | nextval('automation.fence_sequence')
    from picked p where a.id = p.id and a.state = 'queued'
    returning a.id, a.execution_id, a.stage_id, a.agent_id, a.target_name`;
}

/**
 * Unfinished attempts of these agents that shall not simply run, or have only steps up to a barrier: told again until the
 * agent has acted, whichever controller changed what is wanted.
 */
export async function selectUnmetDesires(q: Query, agentIds: readonly string[]) {
  return await q<DesiredAttempt[]>`
    select agent_id, id, attempt, fence, desired, release_through_step, desired_reason
    from automation.assignments
    where agent_id = any(${agentIds as string[]}) and finished_at is null and fence is not null
      and (desired <> 'run' or release_through_step < 4294967295)`;
}

/** Offered on these very streams, and neither accepted nor refused. */
export async function selectUnanswered(q: Query, streams: readonly AgentRoom[]): Promise<string[]> {
  const rows = await q<{ id: string }[]>`
    select a.id from jsonb_to_recordset(${jsonb(q, streams)}) as s("agentId" uuid, epoch bigint)
    join automation.assignments a on a.agent_id = s."agentId" and a.offered_epoch = s.epoch
    where a.finished_at is null and a.state = 'offered' and a.desired <> 'cancel' order by a.fence`;
  return rows.map((row) => row.id);
}

export async function countHeld(q: Query, agentIds: readonly string[]): Promise<{ agentId: string; held: bigint }[]> {
  return await q<{ agentId: string; held: bigint }[]>`
    select agent_id, count(*) as held from automation.assignments
    where agent_id = any(${agentIds as string[]}) and finished_at is null and state <> 'queued' group by agent_id`;
}

/** Transactions of this role on this database that began before `at` and have not ended. */
export async function countOlderTransactions(q: Query, at: string): Promise<bigint> {
  const [row] = await q<[{ n: bigint }]>`
    select count(*) as n from pg_stat_activity
    where datname = current_database() and usename = current_user and xact_start < ${at}::timestamptz`;
  return row.n;
}

export interface DesiredAttempt {
  agentId: string;
  id: string;
  attempt: number;
  fence: bigint;
  desired: "run" | "hold" | "cancel" | "forget";
  releaseThroughStep: bigint;
  desiredReason: string | null;
}

export interface OfferRow {
  id: string;
  agentId: string;
  attempt: number;
  fence: bigint;
  /** In the definition that is handed over. */
  stageId: string;
  needsOutputs?: Record<string, unknown> | null;
  targetId: string;
  targetName: string;
  startBefore: Date | null;
  releaseThroughStep: bigint;
  executionId: string;
  executionNumber: bigint;
  inputs: Record<string, unknown>;
  checkMode: boolean;
  jobId: string;
  jobVersion: number;
  definitionSha256: Uint8Array;
}

export async function selectOffers(q: Query, ids: readonly string[]): Promise<OfferRow[]> {
  return await q<OfferRow[]>`
    select a.id, a.agent_id, a.attempt, a.fence, coalesce(s.plan_stage_id, s.stage_id) as stage_id, a.target_id,
      a.target_name, a.start_before, a.release_through_step, a.execution_id, e.number as execution_number,
      coalesce(s.inputs, e.inputs) as inputs, e.check_mode, coalesce(s.job_id, e.job_id) as job_id,
      coalesce(s.job_version, e.job_version) as job_version,
      coalesce(s.definition_sha256, e.definition_sha256) as definition_sha256, s.needs_outputs
    from automation.assignments a
    join automation.executions e on e.id = a.execution_id
    join automation.stages s on s.execution_id = a.execution_id and s.stage_id = a.stage_id
    where a.id = any(${ids as string[]}) and a.state = 'offered' order by a.id`;
}

export interface OfferedService {
  type: string;
  port: number;
  secure: boolean;
  default: boolean;
  credential?: { kind: string; secret: string };
}

export async function selectServices(
  q: Query,
  targetIds: readonly string[],
): Promise<{ targetId: string; services: OfferedService[] }[]> {
  return await q<{ targetId: string; services: OfferedService[] }[]>`
    select target_id, jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
      'type', type, 'port', port, 'secure', secure, 'default', is_default,
      'credential', case when credential_secret is not null then
        jsonb_build_object('kind', coalesce(credential_kind, ''), 'secret', credential_secret) end)) order by type, port) as services
    from assets.services where target_id = any(${targetIds as string[]}) and enabled group by target_id`;
}

export async function selectDefinition(
  q: Query,
  jobId: string,
  version: number,
): Promise<{ definition: Uint8Array; mediaType: string } | undefined> {
  const [row] = await q<{ definition: Uint8Array; mediaType: string }[]>`
    select definition, media_type from automation.job_versions where job_id = ${jobId} and version = ${version}`;
  return row;
}
