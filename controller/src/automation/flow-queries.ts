// SQL of executions that are advanced stage by stage and batch by batch. Called by advance-flow.ts.
//
// Order of locks: the execution first, then assignments with `skip locked`, so that nothing ever waits here for an
// assignment while everybody else waits for the execution (execution-queries.ts tells the order of the others). Only
// queued rows are touched. One that somebody else holds is looked at again: whoever holds it ends it, or lets it go.
import type { StageOutcome } from "@opsconductor/contract/job/expression";
import type { Query } from "../context.ts";
import type { Fragment } from "../identity/visible-to.ts";
import { jsonb } from "../jsonb.ts";
import { assignmentIdRange } from "./assignment-ids.ts";
import type { DesiredAttempt } from "./dispatch-queries.ts";
import { type ExecutionRow, executionColumns } from "./execution-queries.ts";
import type { BatchCount, FlowStage } from "./flow-state.ts";
import type { DoneStage } from "./resume-flow.ts";

/** Those that something is to be decided about now, the longest waiting first. */
export async function selectDue(q: Query, now: Date, limit: number): Promise<string[]> {
  const rows = await q<{ id: string }[]>`
    select id from automation.executions where due_at <= ${now} order by due_at limit ${limit}`;
  return rows.map((row) => row.id);
}

/** Undefined: there is nothing to decide any more. */
export async function lockFlow(q: Query, id: string): Promise<ExecutionRow | undefined> {
  const [row] = await q<ExecutionRow[]>`
    select ${executionColumns(q)} from automation.executions e
    where e.id = ${id} and e.due_at is not null for no key update`;
  return row;
}

export async function selectFlowStages(q: Query, executionId: string): Promise<FlowStage[]> {
  return await q<FlowStage[]>`
    select stage_id, state, counts, started_at, finished_at, max_failures, stopped, parent, scope, is_group, needs,
      condition, names, call, inputs, matrix, needs_outputs, outcome, state_reason, rollout, batches, batch,
      next_batch_at, barrier, deadline_ms::double precision as deadline_ms, deadline_at, timed_out_at
    from automation.stages where execution_id = ${executionId} order by position`;
}

const ofStage = (q: Query, executionId: string, stageId: string): Fragment => {
  const { from, to } = assignmentIdRange(executionId);
  return q`a.execution_id = ${executionId} and a.id >= ${from} and a.id <= ${to} and a.stage_id = ${stageId}`;
};

/** Makes the batches up to `batch` ready to be offered; returns the agents that have new work. */
export async function releaseBatch(
  q: Query,
  executionId: string,
  { stageId, batch, barrier }: Pick<FlowStage, "stageId" | "batch" | "barrier">,
  now: Date,
): Promise<string[]> {
  const rows = await q<{ agentId: string | null }[]>`
    with due as materialized (
      select a.id from automation.assignments a
      where ${ofStage(q, executionId, stageId)} and a.state = 'queued' and not a.released and a.batch <= ${batch}
      order by a.id for no key update skip locked
    )
    update automation.assignments a set released = true, release_through_step = coalesce(${barrier}::bigint, 4294967295),
      start_before = ${now}::timestamptz + s.start_within_ms * interval '1 millisecond'
    from due, automation.stages s
    where a.id = due.id and s.execution_id = ${executionId} and s.stage_id = ${stageId}
    returning a.agent_id`;
  return [...new Set(rows.flatMap((row) => row.agentId ?? []))];
}

export interface EmptiedRow {
  id: string;
  targetName: string;
}

/** Everything of the stage that is queued ends. */
export async function endQueued(
  q: Query,
  executionId: string,
  stageId: string,
  { state, reason, now }: { state: "skipped" | "cancelled"; reason: string; now: Date },
): Promise<EmptiedRow[]> {
  return await q<EmptiedRow[]>`
    with due as materialized (
      select a.id from automation.assignments a
      where ${ofStage(q, executionId, stageId)} and a.state = 'queued' order by a.id for no key update skip locked
    )
    update automation.assignments a set state = ${state}, state_reason = ${reason}, finished_at = ${now}
    from due where a.id = due.id and a.state = 'queued'
    returning a.id, a.target_name`;
}

/** What agents hold of the stage is asked to stop, once. */
export async function cancelHeld(
  q: Query,
  executionId: string,
  stageId: string,
  reason: string,
  /** When the time of it was over: what the agent stops has timed out then. */
  timedOutAt: Date | null,
): Promise<DesiredAttempt[]> {
  return await q<DesiredAttempt[]>`
    with due as materialized (
      select a.id from automation.assignments a
      where ${ofStage(q, executionId, stageId)} and a.finished_at is null and a.state <> 'queued' and a.desired <> 'cancel'
      order by a.id for no key update skip locked
    )
    update automation.assignments a set desired = 'cancel', desired_reason = ${reason},
      timed_out_at = coalesce(a.timed_out_at, ${timedOutAt}::timestamptz)
    from due where a.id = due.id
    returning a.agent_id, a.id, a.attempt, a.fence, a.desired, a.release_through_step, a.desired_reason`;
}

/** Lets what agents hold of the stage go on to step `barrier`. */
export async function raiseBarrier(
  q: Query,
  executionId: string,
  stageId: string,
  barrier: number,
): Promise<DesiredAttempt[]> {
  return await q<DesiredAttempt[]>`
    with due as materialized (
      select a.id from automation.assignments a
      where ${ofStage(q, executionId, stageId)} and a.finished_at is null and a.released
        and a.release_through_step < ${barrier}
      order by a.id for no key update skip locked
    )
    update automation.assignments a set release_through_step = ${barrier}
    from due where a.id = due.id
    returning a.agent_id, a.id, a.attempt, a.fence, a.desired, a.release_through_step, a.desired_reason`;
}

export async function countBatch(
  q: Query,
  executionId: string,
  { stageId, batch, barrier }: Pick<FlowStage, "stageId" | "batch" | "barrier">,
): Promise<BatchCount> {
  const [row] = await q<[{ open: bigint; behind: bigint; heldBack: bigint; missed: bigint }]>`
    select count(*) filter (where a.released) as open,
      count(*) filter (where a.released and (a.release_through_step < coalesce(${barrier}::bigint, 0) or not exists (
        select 1 from automation.steps t where t.assignment_id = a.id and t.attempt = a.attempt
          and t.position = ${barrier ?? 0} and t.state not in ('pending', 'running')))) as behind,
      count(*) filter (where a.released and a.release_through_step < coalesce(${barrier}::bigint, 0)) as held_back,
      count(*) filter (where not a.released and a.batch <= ${batch}) as missed
    from automation.assignments a where ${ofStage(q, executionId, stageId)} and a.finished_at is null`;
  const { open, behind, heldBack, missed } = row;
  return { open: Number(open), behind: Number(behind), heldBack: Number(heldBack), missed: Number(missed) };
}

/** Outputs of all steps of the stage, by target. */
export async function collectOutputs(q: Query, executionId: string, stageId: string): Promise<StageOutcome["targets"]> {
  const rows = await q<{ targetName: string; outputs: Record<string, string> }[]>`
    select a.target_name, t.outputs from automation.assignments a
    join automation.steps t on t.assignment_id = a.id and t.attempt = a.attempt
    where ${ofStage(q, executionId, stageId)} and t.outputs is not null and t.outputs <> '{}' order by a.id, t.position`;
  const targets: StageOutcome["targets"] = {};
  for (const { targetName, outputs } of rows) targets[targetName] = { ...targets[targetName], ...outputs };
  return targets;
}

/**
 * What the targets gave out that had succeeded in the stage before a retry, which runs it on the others alone. The
 * outcome before has what its own retry had kept.
 */
export async function keptOutputs(
  q: Query,
  { id, retryOf }: { id: string; retryOf: string },
  stageId: string,
): Promise<StageOutcome["targets"]> {
  const [row] = await q<{ targets: StageOutcome["targets"] | null; repeated: string[] }[]>`
    select s.outcome -> 'targets' as targets, array(
      select a.target_name from automation.assignments a
      where ${ofStage(q, id, stageId)} or (${ofStage(q, retryOf, stageId)} and a.state <> 'succeeded')) as repeated
    from automation.stages s where s.execution_id = ${retryOf} and s.stage_id = ${stageId}`;
  return Object.fromEntries(Object.entries(row?.targets ?? {}).filter(([name]) => !row!.repeated.includes(name)));
}

export async function updateFlowStages(q: Query, executionId: string, stages: readonly FlowStage[]): Promise<void> {
  if (stages.length === 0) return;
  await q`
    update automation.stages s
    set state = r.state, counts = r.counts, started_at = r."startedAt", finished_at = r."finishedAt", inputs = r.inputs,
      needs_outputs = r."needsOutputs", outcome = r.outcome, state_reason = r."stateReason", batch = r.batch,
      next_batch_at = r."nextBatchAt", barrier = r.barrier, stopped = r.stopped,
      deadline_at = r."deadlineAt", timed_out_at = r."timedOutAt"
    from jsonb_to_recordset(${jsonb(q, stages)}) as r("stageId" text, state text, counts jsonb, "startedAt" timestamptz,
      "finishedAt" timestamptz, inputs jsonb, "needsOutputs" jsonb, outcome jsonb, "stateReason" text, batch integer,
      "nextBatchAt" timestamptz, barrier integer, stopped boolean,
      "deadlineAt" timestamptz, "timedOutAt" timestamptz)
    where s.execution_id = ${executionId} and s.stage_id = r."stageId"`;
}

export async function updateFlow(
  q: Query,
  e: Pick<
    ExecutionRow,
    "id" | "state" | "counts" | "startedAt" | "finishedAt" | "stateReason" | "dueAt" | "deadlineAt" | "timedOutAt"
  >,
): Promise<ExecutionRow> {
  const [row] = await q<[ExecutionRow]>`
    update automation.executions e
    set state = ${e.state}, counts = ${jsonb(q, e.counts)}, started_at = ${e.startedAt}, finished_at = ${e.finishedAt},
      state_reason = ${e.stateReason}, due_at = ${e.dueAt}, deadline_at = ${e.deadlineAt}, timed_out_at = ${e.timedOutAt}
    where e.id = ${e.id} returning ${executionColumns(q)}`;
  return row;
}

/** Stages of an execution that ran before, with the targets that succeeded in each. */
export async function selectDone(q: Query, executionId: string): Promise<DoneStage[]> {
  const { from, to } = assignmentIdRange(executionId);
  return await q<DoneStage[]>`
    select s.stage_id, s.parent, s.needs, s.condition, s.state, s.outcome, s.done_in, s.job_id, s.job_version, array(
      select a.target_id from automation.assignments a
      where a.execution_id = ${executionId} and a.id >= ${from} and a.id <= ${to} and a.stage_id = s.stage_id
        and a.state = 'succeeded') as succeeded, array(
      select t.name from automation.assignments a join assets.targets t on t.id = a.target_id and t.deleted_at is null
      where a.execution_id = ${executionId} and a.id >= ${from} and a.id <= ${to} and a.stage_id = s.stage_id
      order by a.id) as targets
    from automation.stages s where s.execution_id = ${executionId} order by s.position`;
}
