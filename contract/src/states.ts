// The state tables as data: the controller guards its updates with them, the console derives which buttons are
// live, the documentation is rendered from them. Pure.

export const executionStates = {
  awaiting_approval: ["queued", "cancelled"],
  queued: ["running", "succeeded", "failed", "partial", "cancelled", "timed_out", "skipped", "missed", "paused"],
  running: ["succeeded", "failed", "partial", "cancelled", "timed_out", "paused"],
  paused: ["queued", "running", "succeeded", "failed", "partial", "cancelled", "timed_out", "skipped"],
  succeeded: [],
  failed: [],
  partial: [],
  cancelled: [],
  timed_out: [],
  missed: [],
  skipped: [],
} as const satisfies Record<string, readonly string[]>;
export type ExecutionState = keyof typeof executionStates;

export const stageStates = {
  pending: ["running", "skipped", "cancelled", "succeeded", "failed", "partial", "timed_out"],
  running: ["succeeded", "failed", "partial", "cancelled", "timed_out"],
  succeeded: [],
  failed: [],
  partial: [],
  cancelled: [],
  timed_out: [],
  skipped: [],
} as const satisfies Record<string, readonly string[]>;
export type StageState = keyof typeof stageStates;

export const assignmentStates = {
  // Lost: queued in a restored database, and its agent may have run it in the history that was cut off.
  queued: ["offered", "cancelled", "expired", "skipped", "lost"],
  offered: ["accepted", "denied", "cancelled", "expired", "queued", "lost"],
  accepted: ["running", "succeeded", "failed", "timed_out", "cancelled", "denied", "lost"],
  running: ["succeeded", "failed", "timed_out", "cancelled", "lost"],
  succeeded: [],
  failed: [],
  timed_out: [],
  cancelled: [],
  denied: [],
  expired: [],
  lost: [],
  skipped: [],
} as const satisfies Record<string, readonly string[]>;
export type AssignmentState = keyof typeof assignmentStates;

export const stepStates = {
  pending: ["running", "skipped", "cancelled"],
  running: ["succeeded", "failed", "timed_out", "cancelled", "lost"],
  succeeded: [],
  failed: [],
  timed_out: [],
  cancelled: [],
  skipped: [],
  lost: [],
} as const satisfies Record<string, readonly string[]>;
export type StepState = keyof typeof stepStates;

export const tryStates = {
  starting: ["started", "starting", "lost", "cancelled", "failed"],
  started: ["succeeded", "failed", "timed_out", "cancelled", "lost"],
  succeeded: [],
  failed: [],
  timed_out: [],
  cancelled: [],
  lost: [],
} as const satisfies Record<string, readonly string[]>;
export type TryState = keyof typeof tryStates;

export const agentStates = ["online", "offline", "never_connected", "quarantined", "revoked"] as const;
export type AgentState = (typeof agentStates)[number];

type Table = Record<string, readonly string[]>;

/** True when nothing follows `state`. */
export function isTerminal<T extends Table>(table: T, state: keyof T): boolean {
  return table[state]!.length === 0;
}

/** Outcomes that count against a failure budget. */
export const badOutcomes = ["failed", "timed_out", "denied", "expired", "lost"] as const satisfies AssignmentState[];

export function countBad(counts: Partial<Record<AssignmentState, number>>): number {
  return badOutcomes.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
}

/**
 * How the outcomes of a stage's assignments fold into the stage's own. `undefined` while any is unfinished.
 * A failure budget (rollouts) turns `failed` into `partial`; without one any failure beside a success is
 * `failed`, and the counts tell the rest. One whose deadline was over before all of it had succeeded has timed out. A stage
 * that was stopped because its budget is spent has failed, whatever
 * became of the targets that it still held.
 */
export function foldAssignments(
  counts: Partial<Record<AssignmentState, number>>,
  budget: { maxFailures: number; stopped?: boolean; timedOutAt?: Date | null } = { maxFailures: 0 },
): Exclude<StageState, "pending" | "running"> | undefined {
  const n = (s: AssignmentState) => counts[s] ?? 0;
  if (n("queued") + n("offered") + n("accepted") + n("running") > 0) return undefined;
  const total = Object.values(counts).reduce((a, b) => a + (b ?? 0), 0);
  if (budget.timedOutAt && n("succeeded") < total) return "timed_out";
  if (budget.stopped) return "failed";
  const bad = countBad(counts);
  if (total === n("skipped")) return "skipped";
  if (n("cancelled") > 0) return "cancelled";
  if (bad === 0) return "succeeded";
  if (n("succeeded") > 0 && bad <= budget.maxFailures) return "partial";
  return bad === n("timed_out") ? "timed_out" : "failed";
}

/** How stage outcomes fold into the execution's. `undefined` while any stage is unfinished. */
export function foldStages(states: readonly StageState[]): ExecutionState | undefined {
  if (states.some((s) => s === "pending" || s === "running")) return undefined;
  for (const s of ["cancelled", "failed", "timed_out", "partial"] as const) if (states.includes(s)) return s;
  return states.every((s) => s === "skipped") ? "skipped" : "succeeded";
}
