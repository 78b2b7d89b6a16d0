// What the list of executions shows and filters by. Pure.
import type { ExecutionState } from "@opsconductor/contract/states";
import type { Execution } from "../api/types.ts";

export const stateGroups = {
  active: ["awaiting_approval", "queued", "running", "paused"],
  failed: ["failed", "partial", "timed_out", "missed"],
  succeeded: ["succeeded"],
  cancelled: ["cancelled", "skipped"],
} as const satisfies Record<string, readonly ExecutionState[]>;
export type StateGroup = keyof typeof stateGroups;

const unfinished = ["queued", "offered", "accepted", "running"];
export const badStates = ["failed", "timed_out", "denied", "expired", "lost"] as const;

/** Finished targets, and how many of them did not succeed. */
export function progressOf({ counts }: Pick<Execution, "counts">): { done: number; bad: number } {
  let done = 0;
  let failed = 0;
  for (const [state, count] of Object.entries(counts)) {
    if (!unfinished.includes(state)) done += count;
    if ((badStates as readonly string[]).includes(state)) failed += count;
  }
  return { done, bad: failed };
}

/** How many rows at the top are newer than `number`; the list is newest first. */
export function newerThan(executions: readonly Pick<Execution, "number">[], number: number): number {
  const at = executions.findIndex((execution) => execution.number <= number);
  return at < 0 ? executions.length : at;
}
