// An attempt as recording works on it: the assignment's row with its steps and tries, read under their locks, changed in
// memory, written back at once. Pure; used by everything that records what agents say.
import type { TimelineKind } from "@opsconductor/contract/api/executions";
import {
  type AssignmentState,
  assignmentStates,
  isTerminal,
  type StepState,
  type TryState,
} from "@opsconductor/contract/states";
import type { AutomationAssignmentsRow, AutomationStepsRow, AutomationTriesRow } from "@opsconductor/database/rows";

type Row<R, Narrow> = Omit<R, keyof Narrow> & Narrow;

/** What recording needs of the row, with the words of the closed lists. */
export type AssignmentRow = Row<
  Omit<
    AutomationAssignmentsRow,
    "desiredReason" | "releaseThroughStep" | "startBefore" | "batch" | "released" | "priority"
  >,
  {
    state: AssignmentState;
    desired: "run" | "hold" | "cancel" | "forget";
    finish: { state: string; reason: string; atMs: number } | null;
  }
>;

export type StepRow = Row<
  Omit<AutomationStepsRow, "assignmentId">,
  { state: StepState; outputs: Record<string, string> | null }
>;

export type TryRow = Row<
  Omit<AutomationTriesRow, "assignmentId">,
  { state: TryState; outputSha256: Uint8Array | null; gaps: { offset: number; omittedBytes: number }[] }
>;

/** What the stage says of its steps, in order, and how long one target may take. */
export interface StageFacts {
  stepIds: readonly string[];
  timeoutMs: number | null;
  /** Its targets wait for each other after every step. */
  stepFirst?: boolean;
}

export interface Attempt {
  assignment: AssignmentRow;
  /** State when the rows were read: what the counts move from. */
  before: AssignmentState;
  steps: Map<string, StepRow>;
  tries: Map<string, TryRow>;
  dirtySteps: Set<StepRow>;
  dirtyTries: Set<TryRow>;
  dirty: boolean;
  stage: StageFacts;
  /** What its timeline is told in the same transaction. */
  notes: { kind: TimelineKind; at: Date; detail: Record<string, unknown> }[];
  /** Events that contradict the tables: recorded as far as possible, counted and logged by the caller. */
  violations: string[];
}

export const tryKey = (stepId: string, number: number): string => `${number} ${stepId}`;

/** A job allows 20 retries, and a lost try may be made again: an agent that counts further fills our tables. */
const maxTries = 100;
export const isPossibleTry = (number: number): boolean => number >= 1 && number <= maxTries;

/** Nothing more will come of this attempt: the agent may forget it. */
export function isSettled(attempt: Attempt): boolean {
  const { state, finish } = attempt.assignment;
  return finish !== null && hasAllOutput(attempt) && (isTerminal(assignmentStates, state) || state === "queued");
}

export function hasAllOutput(attempt: Attempt): boolean {
  return [...attempt.tries.values()].every((t) => t.outputBytes === null || t.storedBytes >= t.outputBytes);
}

/** A row for a try that is not known yet. */
export function newTry(attempt: number, stepId: string, number: number): TryRow {
  return {
    stepId,
    attempt,
    try: number,
    spawn: 1,
    state: "starting",
    reason: "",
    pid: null,
    bootId: null,
    exitCode: null,
    signal: null,
    startedAt: null,
    finishedAt: null,
    durationMs: null,
    storedBytes: 0n,
    storedLines: 0n,
    outputBytes: null,
    outputSha256: null,
    outputVerified: null,
    rawBytes: null,
    gaps: [],
  };
}
