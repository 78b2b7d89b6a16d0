// What the list of executions shows and filters by. Pure.
import type { ExecutionState } from "@opsconductor/contract/states";
import type { Execution } from "../api/types.ts";
import { m } from "../messages/m.ts";

export const stateGroups = {
  active: ["awaiting_approval", "queued", "running", "paused"],
  failed: ["failed", "partial", "timed_out", "missed"],
  succeeded: ["succeeded"],
  cancelled: ["cancelled", "skipped"],
} as const satisfies Record<string, readonly ExecutionState[]>;
export type StateGroup = keyof typeof stateGroups;

const unfinished = ["queued", "offered", "accepted", "running"];
export const badStates = ["failed", "timed_out", "denied", "expired", "lost"] as const;

/**
 * Targets that came to an end of their work, how many of them did not succeed, and those that were never begun. A rollout
 * that stopped at its third batch has not done all of its targets.
 */
export function progressOf({ counts }: Pick<Execution, "counts">): {
  /** Of assignments: a target of a workflow has one in every stage that takes it. */
  total: number;
  done: number;
  bad: number;
  skipped: number;
} {
  let total = 0;
  let done = 0;
  let failed = 0;
  const skipped = counts.skipped ?? 0;
  for (const [state, count] of Object.entries(counts)) {
    total += count;
    if (!unfinished.includes(state) && state !== "skipped") done += count;
    if ((badStates as readonly string[]).includes(state)) failed += count;
  }
  return { total, done, bad: failed, skipped };
}

/** What did not succeed, by its own words: what is lost is not merely failed. Empty when all is well. */
export function describeBad({ counts }: Pick<Execution, "counts">): string {
  const present = badStates.filter((state) => (counts[state] ?? 0) > 0);
  return present.map((state) => m.executions.live.badCount(counts[state]!, m.states[state])).join(" · ");
}

/** How many rows at the top are newer than `number`; the list is newest first. */
export function newerThan(executions: readonly Pick<Execution, "number">[], number: number): number {
  const at = executions.findIndex((execution) => execution.number <= number);
  return at < 0 ? executions.length : at;
}
