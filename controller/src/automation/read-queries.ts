// What the pages of executions read. Keyset everywhere; ranges of ids let PostgreSQL skip partitions.
import type { StepSummary } from "@opsconductor/contract/job/plan-stage";
import type { Permission } from "@opsconductor/contract/permissions";
import type { AssignmentState, StageState, StepState } from "@opsconductor/contract/states";
import type { Actor, Query } from "../context.ts";
import { type Fragment, seesAll, targetsThatShowExecutions, visibleTo } from "../identity/visible-to.ts";
import { assignmentIdRange } from "./assignment-ids.ts";
import { type ExecutionRow, executionColumns } from "./execution-queries.ts";
import { waitsFor } from "./limit-queries.ts";

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
export const asUuid = (text: string): string | null => (uuid.test(text) ? text.toLowerCase() : null);

/** By id or by its short number, for those who may read it, or do with it what they want to. */
export async function selectExecution(
  q: Query,
  actor: Actor,
  idOrNumber: string,
  permission: Permission,
): Promise<ExecutionRow | undefined> {
  const id = asUuid(idOrNumber);
  const number = /^\d{1,15}$/.test(idOrNumber) ? idOrNumber : null;
  if (id === null && number === null) return undefined;
  const which = id === null ? q`e.number = ${number}::bigint` : q`e.id = ${id}`;
  const [row] = await q<ExecutionRow[]>`
    select ${executionColumns(q)} from automation.executions e
    where ${which} and (${visibleTo(q, actor, "execution")} or ${visibleTo(q, actor, "execution", permission)})`;
  return row;
}

export interface ExecutionFilter {
  states: readonly string[] | undefined;
  job: string | undefined;
  target: string | undefined;
  q: string | undefined;
  before: string | undefined;
  limit: number;
}

/** So many executions are walked from the newest, and only while they have no more than so many targets together. */
const walk = { executions: 1500, targets: 5000 };

/** The newest executions of so many targets are looked for on each of them. */
const fewTargets = 25;

/**
 * Newest first. Whoever may see a good part of the executions finds a page among the newest. When these do not fill it the
 * way leads over the targets in reach: over each of a few, and otherwise as PostgreSQL has it, which is slow for many of
 * them that seldom ran what the filter means. A text may mean any number of jobs, each of which would have to be walked.
 */
export async function selectExecutions(q: Query, actor: Actor, f: ExecutionFilter): Promise<ExecutionRow[]> {
  const visible = visibleTo(q, actor, "execution");
  if (f.target !== undefined)
    return await selectOnTargets(q, f, targetNamed(q, f.target), q`${visibleTo(q, actor, "assignment")}`, visible);
  if (f.q === undefined && !seesAll(actor, "execution")) {
    const amongNewest = await q<ExecutionRow[]>`
      select ${executionColumns(q)}
      from (
        select n.*, sum(n.target_count) over (order by n.id desc rows unbounded preceding) as targets_so_far
        from (${newest(q, f, q`true`, walk.executions)}) n
      ) e
      where e.targets_so_far <= ${walk.targets} and ${visibleTo(q, actor, "execution", "executions:read", "each")}
      order by e.id desc limit ${f.limit}`;
    if (amongNewest.length === f.limit) return amongNewest;
    const targets = await fewTargetsInReach(q, actor);
    if (targets) return await selectOnTargets(q, f, q`select unnest(${targets}::uuid[]) as id`, q`true`, q`true`);
  }
  return await q<ExecutionRow[]>`
    select ${executionColumns(q)} from (${newest(q, f, visible, f.limit)}) e order by e.id desc`;
}

const olderThan = (q: Query, before: string | undefined): Fragment =>
  before === undefined ? q`true` : q`e.id < ${before}`;

/**
 * The newest executions that the filter means. Each job or state that is asked for gives its newest by an index that has
 * them in this order, and the newest of all stay: however few of a million there are, and however long ago. Left to itself
 * PostgreSQL expects them evenly spread, and reads the whole history for a page of a job that has not run for months. So
 * the rows are named by a range of the index's own keys: with an equality it would take the primary key for the order, and
 * filter.
 */
function newest(q: Query, f: ExecutionFilter, visible: Fragment, limit: number): Fragment {
  const where = q`${visible} and ${olderThan(q, f.before)}`;
  const jobs = f.job === undefined && f.q === undefined ? undefined : jobsOf(q, f);
  if (!jobs && !f.states)
    return q`select e.* from automation.executions e where ${where} order by e.id desc limit ${limit}`;
  const key = jobs ? (f.states ? q`e.job_id, e.state` : q`e.job_id`) : q`e.state`;
  const wanted = jobs ? (f.states ? q`j.id, s.state` : q`j.id`) : q`s.state`;
  const order = jobs ? (f.states ? q`e.job_id desc, e.state desc` : q`e.job_id desc`) : q`e.state desc`;
  return q`
    select e.*
    from ${jobs ?? q`(select null::uuid) as j(id)`}
    cross join ${f.states ? q`unnest(${[...new Set(f.states)]}::text[])` : q`(select null::text)`} as s(state)
    cross join lateral (
      select e.* from automation.executions e
      where (${key}, e.id) >= (${wanted}, ${lowestId}::uuid) and (${key}, e.id) < (${wanted}, ${f.before ?? highestId}::uuid)
        and ${where}
      order by ${order}, e.id desc limit ${limit}
    ) e
    order by e.id desc limit ${limit}`;
}

const lowestId = "00000000-0000-0000-0000-000000000000";
const highestId = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/** Ids of the targets whose executions these are, all of them, when it is targets alone that decide and there are few. */
async function fewTargetsInReach(q: Query, actor: Actor): Promise<string[] | undefined> {
  const inReach = targetsThatShowExecutions(q, actor);
  if (!inReach) return undefined;
  const rows = await q<{ id: string }[]>`select t.id from assets.targets t where ${inReach} limit ${fewTargets + 1}`;
  return rows.length > fewTargets ? undefined : rows.map(({ id }) => id);
}

function targetNamed(q: Query, idOrName: string): Fragment {
  const id = asUuid(idOrName);
  return id === null
    ? q`select id from assets.targets where lower(name) = ${idOrName.toLowerCase()}`
    : q`select ${id}::uuid as id`;
}

/**
 * The way leads over each target's assignments in the order of their executions; each of several stages may have one.
 * `assignment` and `execution` are conditions over `a` and `e`.
 */
async function selectOnTargets(
  q: Query,
  f: ExecutionFilter,
  targets: Fragment,
  assignment: Fragment,
  execution: Fragment,
): Promise<ExecutionRow[]> {
  // The range of ids leaves out the partitions that are newer.
  const upTo =
    f.before === undefined ? q`true` : q`a.id <= ${assignmentIdRange(f.before).to} and a.execution_id < ${f.before}`;
  const ofJobs = f.job === undefined && f.q === undefined ? q`true` : q`e.job_id in (select j.id from ${jobsOf(q, f)})`;
  return await q<ExecutionRow[]>`
    select ${executionColumns(q)}
    from (
      select distinct on (e.id) e.*
      from (${targets}) t
      cross join lateral (
        select distinct on (a.execution_id) e.*
        from automation.assignments a
        cross join lateral (
          select * from automation.executions e where e.id = a.execution_id and ${execution} and ${olderThan(q, f.before)} offset 0
        ) e
        where a.target_id = t.id and ${assignment} and ${upTo}
          and ${f.states === undefined ? q`true` : q`e.state = any(${f.states as string[]})`} and ${ofJobs}
        order by a.execution_id desc limit ${f.limit}
      ) e
      order by e.id
    ) e
    order by e.id desc limit ${f.limit}`;
}

/** By the names that jobs have now; deleted jobs included. */
function jobsOf(q: Query, { job, q: text }: ExecutionFilter): Fragment {
  const id = job === undefined ? null : asUuid(job);
  const named = job === undefined ? q`true` : id === null ? q`lower(name) = ${job.toLowerCase()}` : q`id = ${id}`;
  return q`(select id from automation.jobs
    where ${named} and ${text === undefined ? q`true` : q`position(lower(${text}) in lower(name)) > 0`}) j`;
}

export interface StageRow {
  stageId: string;
  position: number;
  state: StageState;
  name: string | null;
  needs: string[];
  parent: string | null;
  isGroup: boolean;
  stateReason: string | null;
  doneIn: { id: string; number: number } | null;
  deadlineAt: Date | null;
  counts: Record<string, number>;
  jobName: string | null;
  inputs: Record<string, unknown> | null;
  rollout: { stepFirst: boolean } | null;
  batches: number;
  batch: number;
  nextBatchAt: Date | null;
  maxFailures: number;
  stopped: boolean;
  steps: StepSummary[];
  startedAt: Date | null;
  finishedAt: Date | null;
}

export async function selectStages(q: Query, executionId: string): Promise<StageRow[]> {
  return await q<StageRow[]>`
    select stage_id, position, state, name, needs, parent, is_group, state_reason, done_in, deadline_at, counts, inputs, rollout, batches, batch,
      next_batch_at, max_failures, stopped, steps, started_at, finished_at,
      (select j.name from automation.jobs j where j.id = job_id) as job_name
    from automation.stages where execution_id = ${executionId} order by position`;
}

/** The agent of assignment `a` has no live session now. */
export const isAway = (q: Query): Fragment => q`not exists (
  select 1 from fleet.agent_sessions s join fleet.controllers c on c.id = s.controller_id
  where s.agent_id = a.agent_id and c.lease_until > now())`;

export const ofExecution = (q: Query, executionId: string): Fragment => {
  const { from, to } = assignmentIdRange(executionId);
  return q`a.execution_id = ${executionId} and a.id >= ${from} and a.id <= ${to}`;
};

export async function countUnreachable(q: Query, executionId: string): Promise<number> {
  const [row] = await q<[{ n: bigint }]>`
    select count(*) as n from automation.assignments a
    where ${ofExecution(q, executionId)} and a.finished_at is null and ${isAway(q)}`;
  return Number(row.n);
}

export interface AssignmentListRow {
  id: string;
  stageId: string;
  batch: number;
  targetId: string;
  targetName: string;
  agentId: string | null;
  attempt: number;
  state: AssignmentState;
  stateReason: string | null;
  unreachable: boolean;
  waitsFor: "agent" | "fleet" | null;
  desired: "run" | "hold" | "cancel" | "forget";
  desiredReason: string | null;
  /** Last sign of an unreachable agent. */
  unreachableSince: Date | null;
  quarantined: boolean;
  /** Of one that has not ended: whether the reader has the right to. */
  mayAbandon: boolean;
  startBefore: Date | null;
  timedOutAt: Date | null;
  finish: { state: string; reason: string; atMs: number } | null;
  /** Output that the agent named and that is not here, of an attempt that has told its end. */
  missingBytes: bigint | null;
  offeredAt: Date | null;
  acceptedAt: Date | null;
  startedAt: Date | null;
  finishedAt: Date | null;
}

export interface AssignmentFilter {
  executionId: string;
  states?: readonly string[] | undefined;
  q?: string | undefined;
  /** Target by id or name. */
  target?: string | undefined;
  after?: string | undefined;
  limit: number;
}

/** In the order of the targets' names. */
export async function selectAssignments(q: Query, actor: Actor, f: AssignmentFilter): Promise<AssignmentListRow[]> {
  const rows = await q<AssignmentListRow[]>`
    select a.id, a.stage_id, a.batch, a.target_id, a.target_name, a.agent_id, a.attempt, a.state, a.state_reason,
      away.unreachable, null as waits_for, a.desired, a.desired_reason, a.start_before, a.timed_out_at, a.finish,
      a.offered_at, a.accepted_at, a.started_at, a.finished_at,
      case when away.unreachable then (select greatest(g.last_seen_at, s.connected_at, s.closed_at)
        from fleet.agents g left join fleet.agent_sessions s on s.agent_id = g.id where g.id = a.agent_id)
        end as unreachable_since,
      a.finished_at is null and coalesce((select g.status = 'quarantined' from fleet.agents g where g.id = a.agent_id),
        false) as quarantined,
      a.finished_at is null and ${visibleTo(q, actor, "assignment", "executions:abandon")} as may_abandon,
      case when a.finish is not null then (select sum(t.output_bytes - t.stored_bytes)::bigint from automation.tries t
        where t.assignment_id = a.id and t.attempt = a.attempt and t.output_bytes > t.stored_bytes) end as missing_bytes
    from automation.assignments a
    cross join lateral (select a.finished_at is null and ${isAway(q)} as unreachable) away
    where ${ofExecution(q, f.executionId)} and ${visibleTo(q, actor, "assignment")}
      and ${f.after === undefined ? q`true` : q`a.id > ${f.after}`}
      and ${f.states === undefined ? q`true` : q`a.state = any(${f.states as string[]})`}
      and ${f.q === undefined ? q`true` : q`position(lower(${f.q}) in lower(a.target_name)) > 0`}
      and ${f.target === undefined ? q`true` : isTarget(q, f.target)}
    order by a.id limit ${f.limit}`;
  return await withWaits(q, rows);
}

/** Only when something waits: what for is counted over the whole fleet, and to plan that takes longer than all the rest. */
async function withWaits(q: Query, rows: AssignmentListRow[]): Promise<AssignmentListRow[]> {
  const queued = rows.filter((row) => row.state === "queued").map((row) => row.id);
  if (queued.length === 0) return rows;
  const found = await q<Pick<AssignmentListRow, "id" | "waitsFor">[]>`
    select a.id, ${waitsFor(q)} as waits_for from automation.assignments a where a.id = any(${queued}::uuid[])`;
  const waits = new Map(found.map((row) => [row.id, row.waitsFor]));
  return rows.map((row) => ({ ...row, waitsFor: waits.get(row.id) ?? null }));
}

function isTarget(q: Query, target: string): Fragment {
  const id = asUuid(target);
  return id === null ? q`lower(a.target_name) = ${target.toLowerCase()}` : q`(a.target_id = ${id} or a.id = ${id})`;
}

/** States of the steps that have begun, of a page of assignments. */
export async function selectStepStates(
  q: Query,
  assignmentIds: readonly string[],
): Promise<{ assignmentId: string; attempt: number; position: number; state: StepState }[]> {
  return await q<{ assignmentId: string; attempt: number; position: number; state: StepState }[]>`
    select assignment_id, attempt, position, state from automation.steps
    where assignment_id = any(${assignmentIds as string[]})`;
}

export interface TroubledCounts {
  unreachable: bigint;
  overdue: bigint;
  waitingForOutput: bigint;
}

/** For /metrics: of what agents hold now; reads the index of unfinished assignments. */
export async function countTroubled(q: Query): Promise<TroubledCounts> {
  const [row] = await q<[TroubledCounts]>`
    select count(*) filter (where ${isAway(q)}) as unreachable,
      count(*) filter (where a.timed_out_at is not null) as overdue,
      count(*) filter (where a.finish is not null and to_timestamp((a.finish ->> 'atMs')::numeric / 1000) < now() - interval '1 minute')
        as waiting_for_output
    from automation.assignments a
    where a.finished_at is null and a.agent_id is not null and a.state in ('offered', 'accepted', 'running')`;
  return row;
}
