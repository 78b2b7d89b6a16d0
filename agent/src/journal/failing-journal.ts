// A journal that fails on demand: tests put it around another one to see that nothing is reported or started that was
// not made durable.
import type {
  AttemptRecord,
  Journal,
  JournalRecord,
  OfferRecord,
  OutputRecord,
  PoisonListener,
  StoredEvent,
} from "./journal.ts";
import { JournalFull } from "./journal-problems.ts";

export class FailingJournal implements Journal {
  readonly #inner: Journal;
  #commitsLeft = Number.POSITIVE_INFINITY;
  #poison = "";
  #onPoison: PoisonListener = () => {};
  #full = false;
  /** Commits that found no space. */
  refusals = 0;
  commits = 0;

  constructor(inner: Journal) {
    this.#inner = inner;
  }

  /** The n-th commit from now fails (1: the next), and every one after it. */
  failAt(n: number): void {
    this.#commitsLeft = n - 1;
  }

  /** Until it is told otherwise there is no space for any commit. */
  beFull(full: boolean): void {
    this.#full = full;
  }

  get id(): string {
    return this.#inner.id;
  }
  position(): bigint {
    return this.#inner.position();
  }
  poisoned(): string {
    return this.#poison || this.#inner.poisoned();
  }
  onPoison(listener: PoisonListener): void {
    this.#onPoison = listener;
    this.#inner.onPoison(listener);
  }
  prunedFence(): bigint {
    return this.#inner.prunedFence();
  }
  attempts(): AttemptRecord[] {
    return this.#inner.attempts();
  }
  attempt(fence: bigint): AttemptRecord | undefined {
    return this.#inner.attempt(fence);
  }
  offer(fence: bigint): OfferRecord | undefined {
    return this.#inner.offer(fence);
  }
  eventsAfter(fence: bigint, seq: bigint, limit: number): StoredEvent[] {
    return this.#inner.eventsAfter(fence, seq, limit);
  }
  outputs(fence: bigint): OutputRecord[] {
    return this.#inner.outputs(fence);
  }
  commit(records: readonly JournalRecord[]): StoredEvent[] {
    if (this.#commitsLeft <= 0) {
      if (this.#poison === "") {
        this.#poison = "The journal cannot be written (failure on demand). Restart the agent to recover.";
        this.#onPoison(this.#poison);
      }
      throw new Error(this.#poison);
    }
    if (this.#full) {
      this.refusals += 1;
      throw new JournalFull("The disk is full (failure on demand).");
    }
    const events = this.#inner.commit(records);
    this.#commitsLeft -= 1;
    this.commits += 1;
    return events;
  }
  noteEventsAcked(fence: bigint, seq: bigint): void {
    this.#inner.noteEventsAcked(fence, seq);
  }
  noteOutputAcked(fence: bigint, stepId: string, tryNumber: number, bytes: bigint): void {
    this.#inner.noteOutputAcked(fence, stepId, tryNumber, bytes);
  }
  close(): void {
    this.#inner.close();
  }
}
