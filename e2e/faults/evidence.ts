// What the checker judges: what was asked, what the steps wrote themselves, what the database holds in the end, and how it
// came there. Collected by collect-evidence.ts; tests make some of it up.
import type { AssignmentState, ExecutionState, StageState, StepState, TryState } from "@opsconductor/contract/states";
import type { LedgerEntry } from "./ledger.ts";
import type { Transition } from "./transitions.ts";
import type { ExecutionPlan } from "./workload.ts";

/** An execution that was asked for, and answered. */
export interface AskedExecution {
  plan: ExecutionPlan;
  executionId: string;
  /** When a cancel was sent, in seconds since 1970, whether it came in time or not. */
  cancelAskedAt: number | undefined;
  /** When the POST that made it was answered; from then on it is known to exist. */
  answeredAt?: number;
  /** The execution that it goes on from. */
  retryOf?: string;
  /** What whoever asked for it was answered when trying to approve it, too. */
  ownApproval?: number;
}

export interface ExecutionEvidence {
  id: string;
  key: string | null;
  state: ExecutionState;
  counts: Record<string, number>;
  requestedBy: string | null;
  cancelRequestedAt: Date | null;
  concurrencyKey: string | null;
}
export interface StageEvidence {
  executionId: string;
  stageId: string;
  state: StageState;
  counts: Record<string, number>;
  parent: string | null;
  isGroup: boolean;
  matrix: Record<string, string> | null;
}
export interface AssignmentEvidence {
  id: string;
  executionId: string;
  stageId: string;
  target: string;
  batch: number;
  attempt: number;
  fence: bigint | null;
  state: AssignmentState;
  reason: string | null;
}
export interface StepEvidence {
  assignment: string;
  step: string;
  attempt: number;
  position: number;
  state: StepState;
  reason: string;
}
export interface TryEvidence {
  assignment: string;
  attempt: number;
  step: string;
  try: number;
  state: TryState;
  reason: string;
  exitCode: number | null;
  signal: string | null;
  storedBytes: number;
  /** Of the stream the agent made; null while it has not said so. */
  outputBytes: number | null;
  /** Hexadecimal. */
  outputSha256: string | null;
  rawBytes: number | null;
  gaps: { offset: number; omittedBytes: number }[];
}

export interface ApprovalEvidence {
  executionId: string;
  outcome: string | null;
  requestedAt: Date;
  expiresAt: Date;
}
export interface DecisionEvidence {
  executionId: string;
  userId: string;
  userName: string;
  decision: "approve" | "reject";
  /** Hexadecimal, of what was decided about. */
  content: string;
  at: Date;
}

export interface StoredChunk {
  offset: number;
  bytes: Buffer;
}

/** A spawn whose supervisor was really killed by the test, and whether its exit record was on the disk by then. */
export interface KilledSpawn {
  fence: bigint;
  position: number;
  try: number;
  spawn: number;
  hadExitRecord: boolean;
}

export interface Evidence {
  asked: AskedExecution[];
  ledger: LedgerEntry[];
  executions: ExecutionEvidence[];
  stages: StageEvidence[];
  assignments: AssignmentEvidence[];
  steps: StepEvidence[];
  tries: TryEvidence[];
  approvals: ApprovalEvidence[];
  decisions: DecisionEvidence[];
  transitions: Transition[];
  /** Rows of one try in the order of their offsets, decoded. */
  readOutput(of: TryEvidence): StoredChunk[];
  killedSpawns: KilledSpawn[];
  /** What should be gone after settling and is not: folders on hosts, processes of steps. */
  leftovers: string[];
}

/**
 * 1 to 6: the invariants of the protocol; flow: what is promised of stages, batches, approvals, turns and pauses; bar: a
 * figure that is to be reached.
 */
export interface Violation {
  invariant: 1 | 2 | 3 | 4 | 5 | 6 | "flow" | "bar";
  /** The row or try it is about. */
  subject: string;
  what: string;
}
