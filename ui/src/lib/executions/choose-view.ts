// What the live page shows when the address does not say: the target and the step that a person would look at. Pure.
import type { AssignmentState, StepState } from "@opsconductor/contract/states";
import type { Assignment } from "../api/types.ts";
import { nameOrder } from "../format/habits.svelte.ts";

export type StepSummary = { state: StepState; counts: Partial<Record<StepState, number>> };

const bad: readonly string[] = ["failed", "timed_out", "lost", "denied", "expired"];
export const isBad = (state: string): boolean => bad.includes(state);
const open: readonly AssignmentState[] = ["queued", "offered", "accepted", "running"];
export const isOpen = (state: AssignmentState): boolean => open.includes(state);

/** Its job names stages; all others have one that is called main. */
export const isWorkflow = ({ stages }: { stages: readonly { id: string }[] }): boolean =>
  stages.length > 1 || (stages[0] !== undefined && stages[0].id !== "main");

/** What came to its end, or will never begin, without success. */
export const isLeft = (state: AssignmentState): boolean => !isOpen(state) && state !== "succeeded";

/** Failed first, then running, waiting, finished: the order of the matrix and of "next". */
export function attentionRank(assignment: Pick<Assignment, "state" | "unreachable">): number {
  if (isBad(assignment.state)) return 0;
  if (assignment.unreachable) return 1;
  if (assignment.state === "running") return 2;
  if (assignment.state === "accepted" || assignment.state === "offered") return 3;
  if (assignment.state === "queued") return 4;
  return assignment.state === "cancelled" ? 5 : 6;
}

export function byAttention(a: Assignment, b: Assignment): number {
  return attentionRank(a) - attentionRank(b) || nameOrder().compare(a.targetName, b.targetName);
}

/** The target to look at first: the first that failed, else that runs, else the first by name. */
export function chooseTarget(assignments: readonly Assignment[]): Assignment | undefined {
  return assignments.reduce<Assignment | undefined>(
    (best, next) => (best === undefined || byAttention(next, best) < 0 ? next : best),
    undefined,
  );
}

/** The step to look at: the first that failed, else that runs, else the last that did anything. */
export function chooseStep(states: readonly StepState[]): number {
  const failed = states.findIndex(isBad);
  if (failed >= 0) return failed;
  const running = states.indexOf("running");
  if (running >= 0) return running;
  return Math.max(
    0,
    states.findLastIndex((state) => state !== "pending" && state !== "skipped" && state !== "cancelled"),
  );
}

const order: readonly StepState[] = [
  "failed",
  "lost",
  "timed_out",
  "running",
  "pending",
  "cancelled",
  "succeeded",
  "skipped",
];

/** One state for a step over all targets: the worst wins, and running while any runs. */
export function summariseStep(states: readonly StepState[]): StepSummary {
  const counts: Partial<Record<StepState, number>> = {};
  for (const state of states) counts[state] = (counts[state] ?? 0) + 1;
  const started = states.some((state) => state !== "pending");
  const state = order.find((candidate) => counts[candidate] !== undefined) ?? "pending";
  return { state: state === "pending" && started ? "running" : state, counts };
}

/** How many of the targets are meant beside the step's state; without one: those that are done, of a step that goes on. */
export function shareOf({ state, counts }: StepSummary): { state?: StepState; count: number } {
  if (state !== "running" && state !== "pending") return { state, count: counts[state] ?? 0 };
  const open = (counts.running ?? 0) + (counts.pending ?? 0);
  return { count: Object.values(counts).reduce((sum, count) => sum + count, -open) };
}

/** Counts of assignments by state, unreachable ones apart, in the matrix's order. */
export function countStates(assignments: readonly Assignment[]): { state: string; count: number }[] {
  const counts = new Map<string, { rank: number; count: number }>();
  for (const assignment of assignments) {
    const state = assignment.unreachable ? "unreachable" : assignment.state;
    const entry = counts.get(state) ?? { rank: attentionRank(assignment), count: 0 };
    entry.count += 1;
    counts.set(state, entry);
  }
  return [...counts].sort((a, b) => a[1].rank - b[1].rank).map(([state, { count }]) => ({ state, count }));
}

/** The states of a step as shares of all targets, in the order of a progress bar; what has not begun is left out. */
export function stateShares(
  counts: Partial<Record<StepState, number>>,
  total: number,
): { state: StepState; fraction: number }[] {
  const shown: readonly StepState[] = ["succeeded", "failed", "lost", "timed_out", "running", "skipped", "cancelled"];
  return shown.flatMap((state) => {
    const count = counts[state] ?? 0;
    return count === 0 || total === 0 ? [] : [{ state, fraction: count / total }];
  });
}
