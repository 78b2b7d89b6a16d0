// SQL of cancelling. Called by cancel-execution.ts, which holds the locks in the order that execution-queries.ts tells.
import type { Query } from "../context.ts";
import { assignmentIdRange } from "./assignment-ids.ts";
import type { DesiredAttempt } from "./dispatch-queries.ts";
import { type ExecutionRow, executionColumns } from "./execution-queries.ts";

export interface UnfinishedAssignment extends DesiredAttempt {
  stageId: string;
  targetName: string;
  state: "queued" | "offered" | "accepted" | "running";
}

/** Every unfinished assignment of the execution, locked in order of ids. */
export async function lockUnfinished(q: Query, executionId: string): Promise<UnfinishedAssignment[]> {
  const { from, to } = assignmentIdRange(executionId);
  return await q<UnfinishedAssignment[]>`
    select id, stage_id, target_name, agent_id, attempt, fence, state, desired, release_through_step, desired_reason
    from automation.assignments
    where execution_id = ${executionId} and id >= ${from} and id <= ${to} and finished_at is null
    order by id for no key update`;
}

/** Queued ones end here; what an agent holds ends by the agent's word. */
export async function cancelAssignments(
  q: Query,
  params: { queued: readonly string[]; held: readonly string[]; at: Date; reason: string },
): Promise<void> {
  await Promise.all([
    q`update automation.assignments set state = 'cancelled', finished_at = ${params.at},
        state_reason = ${params.reason} where id = any(${params.queued as string[]}) and state = 'queued'`,
    q`update automation.assignments set desired = 'cancel', desired_reason = ${params.reason}
      where id = any(${params.held as string[]})`,
  ]);
}

/** The first request stays on record; later ones change nothing. */
export async function markCancelRequested(
  q: Query,
  executionId: string,
  params: { at: Date; by: string; reason: string },
): Promise<ExecutionRow> {
  const [row] = await q<[ExecutionRow]>`
    update automation.executions e
    set cancel_requested_at = coalesce(cancel_requested_at, ${params.at}),
      cancel_requested_by = case when cancel_requested_at is null then ${params.by} else cancel_requested_by end,
      cancel_reason = case when cancel_requested_at is null then ${params.reason} else cancel_reason end
    where id = ${executionId} returning ${executionColumns(q)}`;
  return row;
}
