// What the overview page counts. Small tables are counted; executions only by index, or over the last day.
import type { AgentState } from "@opsconductor/contract/states";
import type { Actor, Query } from "../context.ts";
import { visibleTo } from "../identity/visible-to.ts";

export interface AgentCounts {
  online: bigint;
  offline: bigint;
  quarantined: bigint;
  total: bigint;
}

const agentState = (q: Query) => q`
  case
    when a.status = 'quarantined' then 'quarantined'
    when s.agent_id is null then 'never_connected'
    when s.controller_id is not null and c.lease_until > now() then 'online'
    else 'offline'
  end`;
const agentsWithState = (q: Query, actor: Actor) => q`
  select a.id, a.name, a.status_reason, s.closed_at, a.enrolled_at, ${agentState(q)} as state
  from fleet.agents a
  left join fleet.agent_sessions s on s.agent_id = a.id
  left join fleet.controllers c on c.id = s.controller_id
  where a.status <> 'revoked' and ${visibleTo(q, actor, "agent")}`;

export async function countAgents(q: Query, actor: Actor): Promise<AgentCounts> {
  const [row] = await q<[AgentCounts]>`
    select count(*) filter (where state = 'online') as online,
      count(*) filter (where state in ('offline', 'never_connected')) as offline,
      count(*) filter (where state = 'quarantined') as quarantined, count(*) as total
    from (${agentsWithState(q, actor)}) a`;
  return row;
}

export async function countInventory(q: Query, actor: Actor): Promise<{ targets: bigint; jobs: bigint }> {
  const [row] = await q<[{ targets: bigint; jobs: bigint }]>`
    select (select count(*) from assets.targets t where deleted_at is null and ${visibleTo(q, actor, "target")}) as targets,
      (select count(*) from automation.jobs j where deleted_at is null and ${visibleTo(q, actor, "job")}) as jobs`;
  return row;
}

/** Unfinished executions: how many have begun, on how many targets they run, and how many wait to begin, be it for approval. */
export async function countWork(
  q: Query,
  actor: Actor,
): Promise<{ executions: bigint; running: bigint; queued: bigint }> {
  const [row] = await q<[{ executions: bigint; running: bigint; queued: bigint }]>`
    select count(*) filter (where state not in ('queued', 'awaiting_approval')) as executions,
      coalesce(sum(coalesce((counts ->> 'running')::bigint, 0) + coalesce((counts ->> 'accepted')::bigint, 0)), 0)::bigint
        as running,
      count(*) filter (where state in ('queued', 'awaiting_approval')) as queued
    from automation.executions e where finished_at is null and ${visibleTo(q, actor, "execution")}`;
  return row;
}

/** Executions by the hour of their creation and by outcome. An id is a time, so the index of states answers alone. */
export async function countByHour(
  q: Query,
  actor: Actor,
  since: Date,
): Promise<{ at: Date; state: string; n: bigint }[]> {
  return await q<{ at: Date; state: string; n: bigint }[]>`
    select date_trunc('hour', uuid_extract_timestamp(e.id)) as at, e.state, count(*) as n
    from automation.executions e
    where e.id >= automation.uuid7_floor(${since}) and ${visibleTo(q, actor, "execution")} group by 1, 2`;
}

export interface AgentAttention {
  id: string;
  name: string;
  state: Extract<AgentState, "offline" | "quarantined">;
  statusReason: string | null;
  at: Date;
}

export async function selectTroubledAgents(q: Query, actor: Actor, limit: number): Promise<AgentAttention[]> {
  return await q<AgentAttention[]>`
    select id, name, state, status_reason, coalesce(closed_at, enrolled_at) as at
    from (${agentsWithState(q, actor)}) a where state in ('offline', 'quarantined')
    order by state desc, at desc limit ${limit}`;
}

export interface FailedExecution {
  id: string;
  number: bigint;
  jobName: string;
  state: string;
  targetCount: number;
  counts: Record<string, number>;
  finishedAt: Date;
}

/** Jobs whose newest finished execution failed, with that execution; one step into an index for each job. */
export async function selectFailingJobs(
  q: Query,
  actor: Actor,
  since: Date,
  limit: number,
): Promise<FailedExecution[]> {
  return await q<FailedExecution[]>`
    select e.id, e.number, e.job_name, e.state, e.target_count, e.counts, e.finished_at
    from automation.jobs j cross join lateral (
      select * from automation.executions e
      where e.job_id = j.id and e.id >= automation.uuid7_floor(${since}) and e.finished_at is not null
        and ${visibleTo(q, actor, "execution")}
      order by e.id desc limit 1
    ) e
    where j.deleted_at is null and e.state in ('failed', 'timed_out', 'partial') order by e.id desc limit ${limit}`;
}

/** Work that waits for agents which are not there. */
export async function selectStuckExecutions(
  q: Query,
  actor: Actor,
  before: Date,
  limit: number,
): Promise<{ id: string; number: bigint; jobName: string; createdAt: Date; away: bigint }[]> {
  return await q<{ id: string; number: bigint; jobName: string; createdAt: Date; away: bigint }[]>`
    select e.id, e.number, e.job_name, e.created_at, count(*) as away
    from automation.assignments a
    join automation.executions e on e.id = a.execution_id
    where a.finished_at is null and e.created_at < ${before} and ${visibleTo(q, actor, "execution")} and not exists (
      select 1 from fleet.agent_sessions s join fleet.controllers c on c.id = s.controller_id
      where s.agent_id = a.agent_id and c.lease_until > now())
    group by e.id, e.number, e.job_name, e.created_at order by e.id desc limit ${limit}`;
}
