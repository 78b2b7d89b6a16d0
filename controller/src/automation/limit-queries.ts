// SQL of how much may run at once, and of what waits for that. Called by dispatcher.ts when it claims, and by what tells
// people why something waits.
import type { LimitSettings } from "@opsconductor/contract/api/limits";
import type { Query } from "../context.ts";
import type { Fragment } from "../identity/visible-to.ts";
import { type AgentRoom, liveRooms } from "./dispatch-queries.ts";

/** Unless the settings or the agent say otherwise: the rest waits in the database, where a cancel costs nothing. */
export const defaultAgentLimit = 64;

/**
 * Whether assignment `a` takes a place. Not what waits at the barrier of a step-first rollout or in a pause and runs
 * nothing: those that it waits for must be able to get there, and a pause must not hold up everybody else.
 */
const takesPlace = (q: Query): Fragment => q`
  (a.state in ('offered', 'accepted', 'running') and (a.state = 'offered'
    or (a.desired <> 'hold' and a.release_through_step >= 4294967294)
    or exists (select 1 from automation.steps t
      where t.assignment_id = a.id and t.attempt = a.attempt and t.state = 'running')
    or (a.desired <> 'hold' and not exists (select 1 from automation.steps t
      where t.assignment_id = a.id and t.attempt = a.attempt and t.position = a.release_through_step
        and t.state not in ('pending', 'running')))))`;

/** Assignments that agent `of` runs now. */
const heldBy = (q: Query, of: Fragment): Fragment => q`
  (select count(*) from automation.assignments a where a.agent_id = ${of} and ${takesPlace(q)})`;

/** What runs on agents that are connected; work of those that are away must not stop everybody else's. */
const heldByFleet = (q: Query, which = q`true`): Fragment => q`
  (select count(*) from automation.assignments a
    join fleet.agent_sessions s on s.agent_id = a.agent_id join fleet.controllers c on c.id = s.controller_id
    where c.lease_until > now() and ${takesPlace(q)} and ${which})`;

export interface AgentCap extends AgentRoom {
  /** Null: nobody has set one. */
  cap: number | null;
  fleetLimit: number | null;
}

/** The agents of `rooms` whose streams are live, locked like for every claim, with what their limits leave. */
export async function lockRooms(q: Query, rooms: readonly AgentRoom[]): Promise<AgentCap[]> {
  return await q<AgentCap[]>`
    with live as materialized (${liveRooms(q, rooms)})
    select v.agent_id, v.epoch::text as epoch, m.cap, l.fleet_limit,
      case when m.cap is null then v.room else greatest(0, m.cap - ${heldBy(q, q`v.agent_id`)})::integer end as room
    from live v join fleet.agents g on g.id = v.agent_id cross join automation.limits l
    cross join lateral (select coalesce(g.assignment_limit, l.agent_limit) as cap) m`;
}

/**
 * Which of these agents have queued work, and how many places are taken. Not of all agents: with 10,000 assignments that
 * wait for hosts which are away it took 290 ms, every three seconds.
 */
export async function selectBacklog(
  q: Query,
  agentIds: readonly string[],
): Promise<{ agentId: string; inFlight: bigint; isCapped: boolean }[]> {
  return await q<{ agentId: string; inFlight: bigint; isCapped: boolean }[]>`
    with waiting as materialized (
      select distinct agent_id from automation.assignments
      where agent_id = any(${agentIds as string[]}) and state = 'queued' and released
    )
    select w.agent_id, ${heldBy(q, q`w.agent_id`)} as in_flight,
      coalesce(g.assignment_limit, l.agent_limit) is not null as is_capped
    from waiting w join fleet.agents g on g.id = w.agent_id cross join automation.limits l`;
}

/** How many more assignments the fleet may run; nobody else claims before this transaction is over. */
export async function lockFleetRoom(q: Query): Promise<number | null> {
  const [{ fleetLimit }] = await q<
    [{ fleetLimit: number | null }]
  >`select fleet_limit from automation.limits for update`;
  if (fleetLimit === null) return null;
  const [{ held }] = await q<[{ held: bigint }]>`select ${heldByFleet(q)} as held`;
  return Math.max(0, fleetLimit - Number(held));
}

export type LimitsRow = LimitSettings & { revision: bigint };

export async function selectLimits(q: Query, { lock = false } = {}): Promise<LimitsRow> {
  const [row] = await q<[LimitsRow]>`
    select agent_limit, fleet_limit, brake_job, brake_user, brake_seconds, brake_unfinished, revision
    from automation.limits
    ${lock ? q`for update` : q``}`;
  return row;
}

export async function updateLimits(q: Query, to: LimitSettings): Promise<void> {
  await q`
    update automation.limits set agent_limit = ${to.agentLimit}, fleet_limit = ${to.fleetLimit},
      brake_job = ${to.brakeJob}, brake_user = ${to.brakeUser}, brake_seconds = ${to.brakeSeconds},
      brake_unfinished = ${to.brakeUnfinished}, revision = revision + 1`;
}

/** Of assignment `a`, which is queued: what it waits for although its agent is connected. Null: for nothing. */
export const waitsFor = (q: Query): Fragment => q`
  (case when a.state <> 'queued' or not a.released or not exists (
      select 1 from fleet.agent_sessions s join fleet.controllers c on c.id = s.controller_id
      where s.agent_id = a.agent_id and c.lease_until > now()) then null
    when (select l.fleet_limit <= ${heldByFleet(q)} from automation.limits l) then 'fleet'
    when (select coalesce(g.assignment_limit, l.agent_limit, ${defaultAgentLimit}) <= ${heldBy(q, q`g.id`)}
      from fleet.agents g, automation.limits l where g.id = a.agent_id) then 'agent' end)`;

export interface Waiting {
  agent: number;
  fleet: number;
  fleetLimit: number | null;
  away: number;
}

/** Of the assignments that `which` chooses from `a`. By agent, so that a large fan-out costs what its agents do. */
export async function countWaiting(q: Query, which: Fragment): Promise<Waiting> {
  const [row] = await q<[{ agent: bigint; fleet: bigint; away: bigint; fleetLimit: number | null }]>`
    with queued as materialized (
      select a.agent_id, count(*) as n from automation.assignments a
      where ${which} and a.state = 'queued' and a.released group by a.agent_id
    ), fleet as materialized (
      select l.fleet_limit, l.agent_limit, coalesce(l.fleet_limit <= ${heldByFleet(q)}, false) as is_full from automation.limits l
    ), judged as (
      select w.n, w.is_away, not w.is_away and f.is_full as by_fleet,
        not w.is_away and not f.is_full
          and coalesce(g.assignment_limit, f.agent_limit, ${defaultAgentLimit}) <= ${heldBy(q, q`w.agent_id`)} as by_agent
      from (select u.*, not exists (select 1 from fleet.agent_sessions s join fleet.controllers c on c.id = s.controller_id
          where s.agent_id = u.agent_id and c.lease_until > now()) as is_away from queued u) w
      left join fleet.agents g on g.id = w.agent_id cross join fleet f
    )
    select coalesce(sum(n) filter (where by_agent), 0)::bigint as agent, coalesce(sum(n) filter (where by_fleet), 0)::bigint as fleet,
      coalesce(sum(n) filter (where is_away), 0)::bigint as away, (select fleet_limit from fleet) as fleet_limit
    from judged`;
  return { agent: Number(row.agent), fleet: Number(row.fleet), away: Number(row.away), fleetLimit: row.fleetLimit };
}

/** What runs on agents that are connected, of the assignments that `which` chooses from `a`. */
export async function countFleet(q: Query, which: Fragment): Promise<number> {
  const [{ held }] = await q<[{ held: bigint }]>`select ${heldByFleet(q, which)} as held`;
  return Number(held);
}

export interface Starts {
  job: number;
  user: number;
}

/** Executions made since `since`, of this job and by this user, as far as `limit` reaches. */
export async function countStarts(
  q: Query,
  { jobId, userId, since, limit }: { jobId: string; userId: string | null; since: Date; limit: number },
): Promise<Starts> {
  const [row] = await q<[{ job: bigint; user: bigint }]>`
    select (select count(*) from (select from automation.executions e
        where e.job_id = ${jobId} and e.id >= automation.uuid7_floor(${since}) and e.created_at > ${since} limit ${limit}) j) as job,
      (select count(*) from (select from automation.executions e
        where e.requested_by = ${userId}::uuid and e.id >= automation.uuid7_floor(${since}) and e.created_at > ${since}
        limit ${limit}) u) as user`;
  return { job: Number(row.job), user: Number(row.user) };
}

/** Executions of the job that are not over, counted up to `limit`. */
export async function countUnfinished(q: Query, jobId: string, limit: number): Promise<number> {
  const [row] = await q<[{ count: bigint }]>`
    select count(*) as count from (
      select from automation.executions where job_id = ${jobId} and finished_at is null limit ${limit}) u`;
  return Number(row.count);
}
