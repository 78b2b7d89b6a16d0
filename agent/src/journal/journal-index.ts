// What every journal keeps in memory about its attempts, and the rules a commit must obey; the implementations share it.
import type { AttemptJournalState, AttemptRecord, EventBody, JournalRecord, StoredEvent } from "./journal.ts";

const finalStates = new Set<AttemptJournalState>([
  "succeeded",
  "failed",
  "timed_out",
  "cancelled",
  "lost",
  "denied",
  "tombstone",
]);

export function isFinal(state: AttemptJournalState): boolean {
  return finalStates.has(state);
}

/** The attempt's state after an event. */
export function stateAfter(state: AttemptJournalState, body: EventBody): AttemptJournalState {
  switch (body.kind) {
    case "denied":
    case "tombstone":
      return body.kind;
    case "tryStarting":
      return "running";
    case "finished":
      return body.state as AttemptJournalState;
    default:
      return state;
  }
}

/**
 * Applies records to copies and hands the copies back: nothing changes before the disk has said yes.
 * Throws on a record that breaks a rule, which is a bug of the caller and poisons nothing.
 */
export class JournalIndex {
  readonly attempts = new Map<bigint, AttemptRecord>();
  prunedFence = 0n;
  position = 0n;

  stage(records: readonly JournalRecord[]): StagedCommit {
    const staged = new StagedCommit(this);
    for (const record of records) staged.add(record);
    return staged;
  }

  apply(staged: StagedCommit): void {
    for (const [fence, attempt] of staged.changed) {
      if (attempt === undefined) this.attempts.delete(fence);
      else this.attempts.set(fence, attempt);
    }
    this.prunedFence = staged.prunedFence;
    this.position = staged.position;
  }
}

export class StagedCommit {
  readonly changed = new Map<bigint, AttemptRecord | undefined>();
  readonly events: StoredEvent[] = [];
  prunedFence: bigint;
  position: bigint;
  readonly #index: JournalIndex;

  constructor(index: JournalIndex) {
    this.#index = index;
    this.prunedFence = index.prunedFence;
    this.position = index.position;
  }

  add(record: JournalRecord): void {
    this.position += 1n;
    if (record.kind === "open") this.#open(record);
    else if (record.kind === "event") this.#event(record);
    else if (record.kind === "desire") this.#desire(record);
    else if (record.kind === "output") this.#writable(record.output.fence);
    else this.#forget(record.fence);
  }

  #writable(fence: bigint): AttemptRecord {
    const known = this.changed.has(fence) ? this.changed.get(fence) : this.#index.attempts.get(fence);
    if (known === undefined) throw new Error(`The journal has no attempt with fence ${fence}.`);
    const copy = { ...known };
    this.changed.set(fence, copy);
    return copy;
  }

  #open(record: JournalRecord & { kind: "open" }): void {
    const { fence, key } = record;
    if (this.changed.has(fence) || this.#index.attempts.has(fence))
      throw new Error(`The journal already has an attempt with fence ${fence}.`);
    this.changed.set(fence, {
      ...key,
      fence,
      state: "accepted",
      lastSeq: 0n,
      ackedSeq: 0n,
      want: "run",
      wantReason: "",
      releaseThroughStep: record.releaseThroughStep,
      lastEventAtMs: 0,
    });
  }

  #event(record: JournalRecord & { kind: "event" }): void {
    const attempt = this.#writable(record.fence);
    if (isFinal(attempt.state)) throw new Error(`Attempt ${record.fence} is ${attempt.state}: no event may follow.`);
    attempt.lastSeq += 1n;
    attempt.state = stateAfter(attempt.state, record.body);
    attempt.lastEventAtMs = record.at.atMs;
    this.events.push({
      assignmentId: attempt.assignmentId,
      attempt: attempt.attempt,
      fence: record.fence,
      seq: attempt.lastSeq,
      ...record.at,
      body: record.body,
    });
  }

  #desire(record: JournalRecord & { kind: "desire" }): void {
    const attempt = this.#writable(record.fence);
    attempt.want = record.want;
    attempt.wantReason = record.reason;
    attempt.releaseThroughStep = record.releaseThroughStep;
  }

  #forget(fence: bigint): void {
    const attempt = this.#writable(fence);
    if (!isFinal(attempt.state))
      throw new Error(`Attempt ${fence} is ${attempt.state}: only an outcome can be forgotten.`);
    this.changed.set(fence, undefined);
    if (fence > this.prunedFence) this.prunedFence = fence;
  }
}
