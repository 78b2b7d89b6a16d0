// Folds transitions of assignments into their stages and executions, in the transaction that caused them. Comes last in
// everything that moves assignments, because it takes the executions' row locks.
import type { Query } from "../context.ts";
import { type ExecutionRow, type LockedExecution, lockExecutions, updateProgress } from "./execution-queries.ts";
import { advanceExecution, type ExecutionProgress, type StageProgress, type Transition } from "./execution-state.ts";

/** The executions as they are after `transitions`. */
export async function advanceExecutions(tx: Query, transitions: readonly Transition[]): Promise<ExecutionRow[]> {
  if (transitions.length === 0) return [];
  const locked = await lockExecutions(tx, executionsOf(transitions));
  return await writeProgress(tx, foldTransitions(locked, transitions));
}

export const executionsOf = (transitions: readonly Transition[]): string[] => [
  ...new Set(transitions.map((t) => t.executionId)),
];

interface Folded {
  executions: (ExecutionProgress & { isDue: boolean })[];
  stages: (StageProgress & { executionId: string })[];
}

/** What becomes of those of the locked executions that move, and of their stages. */
export function foldTransitions(locked: readonly LockedExecution[], transitions: readonly Transition[]): Folded {
  const byExecution = Map.groupBy(transitions, (t) => t.executionId);
  const advanced = locked.flatMap(({ execution, stages }) => {
    const own = byExecution.get(execution.id);
    return own ? [advanceExecution(execution, stages, own)] : [];
  });
  return {
    executions: advanced.map((a) => a.execution),
    stages: advanced.flatMap((a) => a.stages.map((s) => ({ ...s, executionId: a.execution.id }))),
  };
}

export async function writeProgress(tx: Query, { executions, stages }: Folded): Promise<ExecutionRow[]> {
  return await updateProgress(tx, executions, stages);
}
