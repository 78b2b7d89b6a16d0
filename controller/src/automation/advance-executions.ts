// Folds transitions of assignments into their stages and executions, in the transaction that caused them. Called last
// by everything that moves assignments, because it takes the executions' row locks.
import type { Query } from "../context.ts";
import { type ExecutionRow, lockExecutions, updateProgress } from "./execution-queries.ts";
import { advanceExecution, type Transition } from "./execution-state.ts";

/** The executions as they are after `transitions`. */
export async function advanceExecutions(tx: Query, transitions: readonly Transition[]): Promise<ExecutionRow[]> {
  if (transitions.length === 0) return [];
  const byExecution = Map.groupBy(transitions, (t) => t.executionId);
  const locked = await lockExecutions(tx, [...byExecution.keys()]);
  const advanced = locked.map(({ execution, stages }) =>
    advanceExecution(execution, stages, byExecution.get(execution.id)!),
  );
  const stages = advanced.flatMap((a) => a.stages.map((s) => ({ ...s, executionId: a.execution.id })));
  return await updateProgress(
    tx,
    advanced.map((a) => a.execution),
    stages,
  );
}
