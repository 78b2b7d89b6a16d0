// The agent's only truth: what it accepted, started, finished and told. Three implementations (sqlite, memory, failing)
// pass one conformance suite. A record is durable when the call returns; after an error the journal is poisoned and
// every further call throws: take no more work, say so, recover by restart.

export interface AttemptKey {
  assignmentId: string;
  attempt: number;
}

/** The offer as accepted, kept whole: recovery plans again from the same bytes. */
export interface OfferRecord extends AttemptKey {
  fence: bigint;
  executionId: string;
  executionNumber: bigint;
  stageId: string;
  definition: Uint8Array;
  definitionMediaType: string;
  definitionSha256: Uint8Array;
  inputsJson: Uint8Array;
  needsOutputsJson: Uint8Array;
  target: { id: string; name: string; servicesJson: Uint8Array; secretNames: string[] };
  startBeforeMs: number;
  acceptedAtMs: number;
}

/** Events as the wire carries them, without the address; `journal` adds seq. Same names as in agent.proto. */
export type EventBody =
  | { kind: "accepted" }
  | { kind: "denied"; code: string; reason: string }
  | { kind: "tombstone"; code: string }
  | { kind: "tryStarting"; stepId: string; try: number; spawn: number }
  | { kind: "tryStarted"; stepId: string; try: number; spawn: number; pid: number; bootId: string }
  | {
      kind: "tryFinished";
      stepId: string;
      try: number;
      state: string;
      exitCode: number | undefined;
      signal: string;
      reason: string;
      outputBytes: bigint;
      outputSha256: Uint8Array;
      gaps: { offset: bigint; omittedBytes: bigint }[];
      rawBytes: bigint;
      durationMs: number;
    }
  | { kind: "stepFinished"; stepId: string; state: string; reason: string; outputsJson: Uint8Array; changed: boolean }
  | { kind: "finished"; state: string; reason: string }
  | { kind: "held"; nextStepId: string };

export interface StoredEvent extends AttemptKey {
  fence: bigint;
  seq: bigint;
  atMs: number;
  body: EventBody;
}

export type AttemptJournalState =
  | "accepted"
  | "running"
  | "succeeded"
  | "failed"
  | "timed_out"
  | "cancelled"
  | "lost"
  | "denied"
  | "tombstone";

export interface AttemptRecord {
  offer: OfferRecord;
  state: AttemptJournalState;
  lastSeq: bigint;
  ackedSeq: bigint;
  want: "run" | "hold" | "cancel" | "forget";
  wantReason: string;
  releaseThroughStep: number;
}

/** Where output sending stands at a safe point, so that a restart goes on byte-exactly. */
export interface OutputPosition extends AttemptKey {
  fence: bigint;
  stepId: string;
  try: number;
  rawOffset: bigint;
  sentOffset: bigint;
  ackedOffset: bigint;
  /** sha256 of the sent stream up to sentOffset cannot be saved by node:crypto: recomputed from the raw file. */
  redactorState: Uint8Array;
  /** Total once the try ended and its stream is complete. */
  totalBytes: bigint | undefined;
}
