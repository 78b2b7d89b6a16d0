// What retrying an execution reads: its assignments with the targets as they are called now. Called by
// retry-execution.ts.
import type { AssignmentState } from "@opsconductor/contract/states";
import type { Actor, Query } from "../context.ts";
import { visibleTo } from "../identity/visible-to.ts";
import { assignmentIdRange } from "./assignment-ids.ts";

export interface RetriableAssignment {
  id: string;
  state: AssignmentState;
  /** As it was called then. */
  targetName: string;
  /** Null: it was deleted since. */
  currentName: string | null;
}

/** `ids` undefined: all of the execution's that are in one of `states`. */
export async function selectRetriable(
  q: Query,
  actor: Actor,
  executionId: string,
  { ids, states }: { ids: readonly string[] | undefined; states: readonly AssignmentState[] },
): Promise<RetriableAssignment[]> {
  const { from, to } = assignmentIdRange(executionId);
  return await q<RetriableAssignment[]>`
    select a.id, a.state, a.target_name, t.name as current_name
    from automation.assignments a left join assets.targets t on t.id = a.target_id and t.deleted_at is null
    where a.execution_id = ${executionId} and a.id >= ${from} and a.id <= ${to} and ${visibleTo(q, actor, "assignment")}
      and ${ids === undefined ? q`a.state = any(${states as string[]})` : q`a.id = any(${ids as string[]}::uuid[])`}
    order by a.id`;
}
