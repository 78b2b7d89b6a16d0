// Rows of executions, stages and assignments: inserted by create-execution.ts, locked and moved by
// advance-executions.ts, read by the pages.
//
// Order of locks, the same everywhere, so that nothing deadlocks: sessions (by agent), assignments (by id), executions
// (by id). The execution's row is taken last and briefly: it is the one that many agents meet at.
import type { StepSummary } from "@opsconductor/contract/job/plan-stage";
import type { AssignmentState, ExecutionState, StageState } from "@opsconductor/contract/states";
import type { Query } from "../context.ts";
import type { Fragment } from "../identity/visible-to.ts";
import { jsonb } from "../jsonb.ts";
import { mayOffer } from "./dispatch-queries.ts";
import type { Counts, ExecutionProgress, StageProgress } from "./execution-state.ts";
import { oneOf } from "./one-of.ts";

export interface ExecutionRow extends ExecutionProgress {
  number: bigint;
  jobId: string;
  jobName: string;
  jobVersion: number;
  definitionSha256: Uint8Array;
  inputs: Record<string, unknown>;
  reason: string;
  triggerKind: string;
  checkMode: boolean;
  priority: number;
  requestedBy: string | null;
  requestedByName: string;
  targetCount: number;
  createdAt: Date;
  cancelRequestedBy: string | null;
  cancelReason: string | null;
  retryOf: string | null;
  retryOfNumber: bigint | null;
  stateReason: string | null;
  pausedAt: Date | null;
  pausedBy: string | null;
  dueAt: Date | null;
  deadlineMs: bigint | null;
  deadlineAt: Date | null;
  concurrencyKey: string | null;
  concurrencyLimit: number | null;
  concurrencyHeld: boolean;
  onConflict: "queue" | "skip" | "cancel-running" | null;
}

export const executionColumns = (q: Query) => q`
  e.id, e.number, e.job_id, e.job_name, e.job_version, e.definition_sha256, e.state, e.inputs, e.reason, e.trigger_kind,
  e.check_mode, e.requested_by, e.requested_by_name, e.target_count, e.counts, e.created_at, e.started_at, e.finished_at,
  e.cancel_requested_at, e.cancel_requested_by, e.cancel_reason, e.retry_of, e.retry_of_number, e.orchestrated,
  e.state_reason, e.paused_at, e.paused_by, e.due_at, e.concurrency_key, e.concurrency_limit, e.concurrency_held,
  e.on_conflict, e.priority, e.deadline_ms, e.deadline_at, e.timed_out_at`;

export interface NewAssignment {
  id: string;
  targetId: string;
  targetName: string;
  agentId: string | null;
  state: AssignmentState;
  stateReason: string | null;
  /** Epoch of the agent's session when this controller may offer at once; the row is then born offered. */
  offerEpoch: string | null;
}

export interface NewExecution {
  id: string;
  jobId: string;
  jobName: string;
  jobVersion: number;
  definitionSha256: Uint8Array;
  state: ExecutionState;
  inputs: Record<string, unknown>;
  reason: string;
  triggerKind: string;
  checkMode: boolean;
  priority: number;
  requestedBy: string | null;
  requestedByName: string;
  idempotencyKey: string | null;
  retryOf: { id: string; number: number } | null;
  createdAt: Date;
  finishedAt: Date | null;
  startBefore: Date;
  stage: {
    id: string;
    state: StageState;
    steps: StepSummary[];
    timeoutMs: number;
  };
  assignments: NewAssignment[];
}

export interface InsertedExecution extends ExecutionRow {
  /** Fences of the assignments that were born offered, by id. */
  offered: Record<string, string> | null;
}

/**
 * The execution, its stage and all assignments in one statement. An assignment whose agent is connected here is born
 * `offered`, in the same commit: that saves the fast path a second transaction and a second version of every row. The
 * session is locked as for every claim, so a newer hello either sees the row and sends it, or makes it stay queued. Where
 * somebody has set a limit it stays queued, too: only claims keep limits.
 */
export async function insertExecution(q: Query, row: NewExecution): Promise<InsertedExecution> {
  const [inserted] = await q<[InsertedExecution]>`
    with row as materialized (
      select * from jsonb_to_recordset(${jsonb(q, row.assignments)}) as r(
        id uuid, "targetId" uuid, "targetName" text, "agentId" uuid, state text, "stateReason" text, "offerEpoch" bigint)
    ), live as materialized (
      select s.agent_id from fleet.agent_sessions s
      join (select distinct "agentId", "offerEpoch" from row where "offerEpoch" is not null) w
        on w."agentId" = s.agent_id and w."offerEpoch" = s.epoch and s.controller_id is not null
      join fleet.agents g on g.id = s.agent_id cross join automation.limits l
      where ${mayOffer(q)} and coalesce(g.assignment_limit, l.agent_limit, l.fleet_limit) is null
      order by s.agent_id for share of s
    ), assignment as (
      insert into automation.assignments
        (id, execution_id, stage_id, target_id, target_name, agent_id, attempt, fence, state, state_reason, created_at,
         start_before, offered_at, offered_epoch, finished_at, priority)
      select r.id, ${row.id}, ${row.stage.id}, r."targetId", r."targetName", r."agentId",
        case when l.agent_id is null then 0 else 1 end,
        case when l.agent_id is not null then
          ((select generation from fleet.cluster)::bigint << 40) | nextval('automation.fence_sequence') end,
        case when l.agent_id is null then r.state else 'offered' end,
        r."stateReason", ${row.createdAt}, ${row.startBefore},
        case when l.agent_id is not null then ${row.createdAt}::timestamptz end,
        case when l.agent_id is not null then r."offerEpoch" end,
        case when l.agent_id is null and r.state <> 'queued' then ${row.createdAt}::timestamptz end, ${row.priority}
      from row r left join live l on l.agent_id = r."agentId" and r."offerEpoch" is not null
      returning id, state, fence
    ), counted as materialized (
      select jsonb_object_agg(state, n) as counts
      from (select state, count(*) as n from assignment group by state) by_state
    ), stage as (
      insert into automation.stages (execution_id, stage_id, position, state, steps, counts, timeout_ms, finished_at)
      select ${row.id}, ${row.stage.id}, 0, ${row.stage.state}, ${jsonb(q, row.stage.steps)}, counts,
        ${row.stage.timeoutMs}, ${row.finishedAt}
      from counted
    ), execution as (
      insert into automation.executions
        (id, number, job_id, job_name, job_version, definition_sha256, state, inputs, reason, trigger_kind, requested_by,
         requested_by_name, idempotency_key, check_mode, target_count, counts, created_at, finished_at, retry_of, retry_of_number,
         priority)
      select ${row.id}, nextval('automation.execution_number'), ${row.jobId}, ${row.jobName}, ${row.jobVersion},
        ${Buffer.from(row.definitionSha256)}, ${row.state}, ${jsonb(q, row.inputs)}, ${row.reason},
        ${row.triggerKind}, ${row.requestedBy}, ${row.requestedByName}, ${row.idempotencyKey}, ${row.checkMode},
        ${row.assignments.length}, counts, ${row.createdAt}, ${row.finishedAt}, ${row.retryOf?.id ?? null},
        ${row.retryOf?.number ?? null}, ${row.priority}
      from counted
      returning *
    )
    select ${executionColumns(q)}, (select jsonb_object_agg(id, fence::text) from assignment where fence is not null)
      as offered
    from execution e`;
  return inserted;
}

export interface LockedExecution {
  execution: ExecutionProgress;
  stages: StageProgress[];
}

interface LockedRow extends ExecutionProgress {
  stageId: string;
  stageState: StageState;
  stageCounts: Counts;
  stageStartedAt: Date | null;
  stageFinishedAt: Date | null;
  maxFailures: number;
  stopped: boolean;
  stageTimedOutAt: Date | null;
}

/** Locks executions in order of their ids, and their stages, and reads how far they are. */
export async function lockExecutions(q: Query, ids: readonly string[]): Promise<LockedExecution[]> {
  return await lockWhere(q, q`${oneOf(q, q`e.id`, ids)} and ${oneOf(q, q`s.execution_id`, ids)}`);
}

/** The executions of assignments that the statement before this one has locked: sent together with it. */
export async function lockExecutionsOf(q: Query, assignmentIds: readonly string[]): Promise<LockedExecution[]> {
  const own = q`(select execution_id from automation.assignments where ${oneOf(q, q`id`, assignmentIds)})`;
  const wanted = assignmentIds.length === 1 ? own : q`any(array${own})`;
  return await lockWhere(q, q`e.id = ${wanted} and s.execution_id = ${wanted}`);
}

async function lockWhere(q: Query, condition: Fragment): Promise<LockedExecution[]> {
  const rows = await q<LockedRow[]>`
    select e.id, e.state, e.counts, e.started_at, e.finished_at, e.orchestrated, e.cancel_requested_at, e.timed_out_at,
      s.stage_id, s.state as stage_state, s.counts as stage_counts, s.started_at as stage_started_at,
      s.finished_at as stage_finished_at, s.max_failures, s.stopped,
      s.timed_out_at as stage_timed_out_at
    from automation.executions e join automation.stages s on s.execution_id = e.id
    where ${condition}
    order by e.id, s.position for no key update`;
  return [...Map.groupBy(rows, (row) => row.id).values()].map((own) => ({
    execution: own[0]!,
    stages: own.map((row) => ({
      stageId: row.stageId,
      state: row.stageState,
      counts: row.stageCounts,
      startedAt: row.stageStartedAt,
      finishedAt: row.stageFinishedAt,
      maxFailures: row.maxFailures,
      stopped: row.stopped,
      timedOutAt: row.stageTimedOutAt,
    })),
  }));
}

/** Writes what advanceExecution decided; the caller holds the locks. */
export async function updateProgress(
  q: Query,
  executions: readonly (ExecutionProgress & { isDue: boolean })[],
  stages: readonly (StageProgress & { executionId: string })[],
): Promise<ExecutionRow[]> {
  const ids = executions.map((e) => e.id);
  return await q<ExecutionRow[]>`
    with stage as (
      update automation.stages s
      set state = r.state, counts = r.counts, started_at = r."startedAt", finished_at = r."finishedAt"
      from jsonb_to_recordset(${jsonb(q, stages)}) as r(
        "executionId" uuid, "stageId" text, state text, counts jsonb, "startedAt" timestamptz, "finishedAt" timestamptz)
      where s.execution_id = r."executionId" and s.stage_id = r."stageId" and ${oneOf(q, q`s.execution_id`, ids)}
    )
    update automation.executions e
    set state = r.state, counts = r.counts, started_at = r."startedAt", finished_at = r."finishedAt",
      due_at = case when r."isDue" then 'epoch' else e.due_at end
    from jsonb_to_recordset(${jsonb(q, executions)}) as r(
      id uuid, state text, counts jsonb, "startedAt" timestamptz, "finishedAt" timestamptz, "isDue" boolean)
    where e.id = r.id and ${oneOf(q, q`e.id`, ids)}
    returning ${executionColumns(q)}`;
}

/** For /metrics; reads only the index of unfinished executions and their assignments. */
export async function countUnfinished(q: Query): Promise<{ state: string; n: bigint }[]> {
  return await q<{ state: string; n: bigint }[]>`
    select c.key as state, sum(c.value::bigint)::bigint as n
    from automation.executions e, jsonb_each_text(e.counts) c
    where e.finished_at is null and c.key in ('queued', 'offered', 'accepted', 'running') group by c.key`;
}

export async function insertExecutionKey(
  q: Query,
  row: { key: string; actor: string; sha256: Uint8Array; executionId: string; at: Date },
): Promise<boolean> {
  const result = await q`
    insert into automation.execution_keys (actor, key, request_sha256, execution_id, created_at)
    values (${row.actor}, ${row.key}, ${Buffer.from(row.sha256)}, ${row.executionId}, ${row.at})
    on conflict do nothing`;
  return result.count === 1;
}

export async function selectExecutionKey(
  q: Query,
  actor: string,
  key: string,
): Promise<{ requestSha256: Uint8Array; executionId: string } | undefined> {
  const [row] = await q<{ requestSha256: Uint8Array; executionId: string }[]>`
    select request_sha256, execution_id from automation.execution_keys where actor = ${actor} and key = ${key}`;
  return row;
}
