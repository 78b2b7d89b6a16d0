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

export interface AssignmentRow {
  id: string;
  executionId: string;
  stageId: string;
  targetId: string;
  targetName: string;
  agentId: string | null;
  attempt: number;
  fence: bigint | null;
  state: AssignmentState;
  stateReason: string | null;
  desired: "run" | "hold" | "cancel" | "forget";
  lastSeq: bigint;
  /** Something was recorded of it: there may be steps and tries. */
  begun: boolean;
  finish: { state: string; reason: string; atMs: number } | null;
  createdAt: Date;
  offeredEpoch: bigint | null;
  offeredAt: Date | null;
  acceptedAt: Date | null;
  startedAt: Date | null;
  finishedAt: Date | null;
  timeoutAt: Date | null;
  timedOutAt: Date | null;
}

export interface StepRow {
  stepId: string;
  attempt: number;
  position: number;
  state: StepState;
  reason: string;
  tries: number;
  outputs: Record<string, string> | null;
  changed: boolean | null;
  startedAt: Date | null;
  finishedAt: Date | null;
}

export interface TryRow {
  stepId: string;
  attempt: number;
  try: number;
  spawn: number;
  state: TryState;
  reason: string;
  pid: number | null;
  bootId: string | null;
  exitCode: number | null;
  signal: string | null;
  startedAt: Date | null;
  finishedAt: Date | null;
  durationMs: bigint | null;
  storedBytes: bigint;
  storedLines: bigint;
  outputBytes: bigint | null;
  outputSha256: Uint8Array | null;
  outputVerified: boolean | null;
  rawBytes: bigint | null;
  gaps: { offset: number; omittedBytes: number }[];
}

/** What the stage says of its steps, in order, and how long one target may take. */
export interface StageFacts {
  stepIds: readonly string[];
  timeoutMs: number | null;
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
