// SQL of pausing and resuming. Called by pause-execution.ts in the order of locks that execution-queries.ts tells.
import type { Query } from "../context.ts";
import { assignmentIdRange } from "./assignment-ids.ts";
import type { DesiredAttempt } from "./dispatch-queries.ts";
import { type ExecutionRow, executionColumns } from "./execution-queries.ts";

/** Nothing that waits is offered, and what agents hold stops before its next step. */
export async function holdAssignments(q: Query, executionId: string, reason: string): Promise<DesiredAttempt[]> {
  const { from, to } = assignmentIdRange(executionId);
  return await q<DesiredAttempt[]>`
    with own as materialized (
      select id from automation.assignments
      where execution_id = ${executionId} and id >= ${from} and id <= ${to} and finished_at is null
      order by id for no key update
    )
    update automation.assignments a
    set released = a.released and a.state <> 'queued',
      desired = case when a.state <> 'queued' and a.desired = 'run' then 'hold' else a.desired end,
      desired_reason = case when a.state <> 'queued' and a.desired = 'run' then ${reason} else a.desired_reason end
    from own where a.id = own.id
    returning a.agent_id, a.id, a.attempt, a.fence, a.desired, a.release_through_step, a.desired_reason`;
}

/**
 * What was held goes on. A barrier below the highest makes every poll tell it again, since the agent may be connected
 * to another controller; the time of the pause does not count against what waited for its agent.
 */
export async function resumeAssignments(
  q: Query,
  executionId: string,
  { pausedForMs }: { pausedForMs: number },
): Promise<DesiredAttempt[]> {
  const { from, to } = assignmentIdRange(executionId);
  return await q<DesiredAttempt[]>`
    with own as materialized (
      select a.id, e.orchestrated, s.batch from automation.assignments a
      join automation.executions e on e.id = a.execution_id
      join automation.stages s on s.execution_id = a.execution_id and s.stage_id = a.stage_id
      where a.execution_id = ${executionId} and a.id >= ${from} and a.id <= ${to} and a.finished_at is null
      order by a.id for no key update of a
    )
    update automation.assignments a
    set released = a.released or (a.state = 'queued' and (not own.orchestrated or a.batch <= own.batch)),
      start_before = a.start_before + ${pausedForMs}::double precision * interval '1 millisecond',
      desired = case when a.desired = 'hold' then 'run' else a.desired end,
      release_through_step = least(a.release_through_step, 4294967294)
    from own where a.id = own.id
    returning a.agent_id, a.id, a.attempt, a.fence, a.desired, a.release_through_step, a.desired_reason`;
}

/** Undefined: it is in no state that can be paused. */
export async function markPaused(
  q: Query,
  executionId: string,
  { at, by }: { at: Date; by: string },
): Promise<ExecutionRow | undefined> {
  const [row] = await q<ExecutionRow[]>`
    update automation.executions e set state = 'paused', paused_at = ${at}, paused_by = ${by}
    where id = ${executionId} and state in ('queued', 'running') and cancel_requested_at is null
    returning ${executionColumns(q)}`;
  return row;
}

export async function markResumed(q: Query, executionId: string): Promise<ExecutionRow | undefined> {
  const [row] = await q<ExecutionRow[]>`
    update automation.executions e
    set state = case when started_at is null then 'queued' else 'running' end, paused_at = null, paused_by = null,
      due_at = case when orchestrated then 'epoch' else due_at end
    where id = ${executionId} and state = 'paused' returning ${executionColumns(q)}`;
  return row;
}
