// The agent's only truth: what it accepted, started, finished and told. Three implementations (sqlite, memory, failing)
// pass one conformance suite. A record is durable when `commit` returns; after an error the journal is poisoned and
// every further commit throws: take no more work, say so, recover by restart.

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
  /** Only say what would change. Missing in what an older agent wrote. */
  check?: boolean;
  acceptedAtMs: number;
}

/** Events as the wire carries them, without the address; `journal` adds seq. Same names as in agent.proto. */
export type EventBody =
  | { kind: "accepted" }
  | { kind: "denied"; code: string; reason: string }
  | { kind: "tombstone"; code: string }
  | { kind: "tryStarting"; stepId: string; try: number; spawn: number }
  | { kind: "tryStarted"; stepId: string; try: number; spawn: number; pid: number; bootId: string }
  | { kind: "tryAdopted"; stepId: string; try: number; pid: number }
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

/** When and in which boot something was recorded: `monotonicMs` counts from an arbitrary point of that boot. */
export interface Moment {
  atMs: number;
  monotonicMs: number;
  bootId: string;
}

export interface StoredEvent extends AttemptKey, Moment {
  fence: bigint;
  seq: bigint;
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

export type Want = "run" | "hold" | "cancel" | "forget";

/** One attempt as the journal sees it now. Its offer is read with `offer(fence)`; a tombstone has none. */
export interface AttemptRecord extends AttemptKey {
  fence: bigint;
  state: AttemptJournalState;
  lastSeq: bigint;
  ackedSeq: bigint;
  want: Want;
  wantReason: string;
  releaseThroughStep: number;
  /** Wall clock of the newest event: what the retention of outcomes counts from. */
  lastEventAtMs: number;
}

/** Where the output of one try stands. How far it was redacted is kept beside its files (output-spool.ts). */
export interface OutputRecord {
  fence: bigint;
  stepId: string;
  try: number;
  /** Name of the folder inside the attempt's that holds the files. */
  folder: string;
  ackedOffset: bigint;
  /** Total once the try ended and its stream is complete. */
  totalBytes: bigint | undefined;
  /** A short stream is kept here instead of in files: it becomes durable in the commit that reports its total. */
  inline: Uint8Array | undefined;
}

/** What one commit may contain, applied in order. `open` is followed by the attempt's first event in the same commit. */
export type JournalRecord =
  | { kind: "open"; key: AttemptKey; fence: bigint; offer: OfferRecord | undefined; releaseThroughStep: number }
  | { kind: "event"; fence: bigint; at: Moment; body: EventBody }
  | { kind: "desire"; fence: bigint; want: Want; reason: string; releaseThroughStep: number }
  | { kind: "output"; output: OutputRecord }
  | { kind: "forget"; fence: bigint };

export type PoisonListener = (reason: string) => void;

export interface Journal {
  /** Random, made with the journal: another id under the same agent says that the history is gone. */
  readonly id: string;
  /** Grows with every record. */
  position(): bigint;
  /** Empty while healthy. */
  poisoned(): string;
  /** Called once, in the moment it is poisoned. */
  onPoison(listener: PoisonListener): void;
  /** Offers at or below it are refused: their outcomes may have been forgotten. */
  prunedFence(): bigint;
  /** Not yet forgotten, by fence. */
  attempts(): AttemptRecord[];
  attempt(fence: bigint): AttemptRecord | undefined;
  offer(fence: bigint): OfferRecord | undefined;
  eventsAfter(fence: bigint, seq: bigint, limit: number): StoredEvent[];
  outputs(fence: bigint): OutputRecord[];
  /**
   * All or nothing, durable on return; returns the events with their seq. One disk sync, so group what belongs together.
   * Throws JournalFull when there is no space: then nothing has changed and nothing is poisoned.
   */
  commit(records: readonly JournalRecord[]): StoredEvent[];
  /** Acknowledgements cost no sync of their own: they ride with the next commit. Losing one makes us send again. */
  noteEventsAcked(fence: bigint, seq: bigint): void;
  noteOutputAcked(fence: bigint, stepId: string, tryNumber: number, bytes: bigint): void;
  close(): void;
}
