// How far an execution is, from its counts of assignments by state. Pure.
import { assignmentStates, isTerminal } from "@opsconductor/contract/states";

export interface Progress {
  total: number;
  done: number;
  succeeded: number;
  bad: number;
}

type Known = keyof typeof assignmentStates;
const bad: readonly string[] = ["failed", "timed_out", "denied", "expired", "lost"];

export function progressOf(counts: Readonly<Record<string, number>>, targetCount: number): Progress {
  let done = 0;
  let failed = 0;
  let total = 0;
  for (const [state, count] of Object.entries(counts)) {
    total += count;
    if (state in assignmentStates && isTerminal(assignmentStates, state as Known)) done += count;
    if (bad.includes(state)) failed += count;
  }
  return { total: Math.max(total, targetCount), done, succeeded: counts.succeeded ?? 0, bad: failed };
}
