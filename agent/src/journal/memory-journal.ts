// The journal without a disk: for tests and for running a job offline, where nothing has to survive.
import { randomUUID } from "node:crypto";
import { Acknowledgements, outputKey } from "./acknowledgements.ts";
import type { AttemptRecord, Journal, JournalRecord, OfferRecord, OutputRecord, StoredEvent } from "./journal.ts";
import { JournalIndex } from "./journal-index.ts";

export class MemoryJournal implements Journal {
  readonly id: string = randomUUID();
  readonly #index = new JournalIndex();
  readonly #acks = new Acknowledgements();
  readonly #offers = new Map<bigint, OfferRecord>();
  readonly #events = new Map<bigint, StoredEvent[]>();
  readonly #outputs = new Map<string, OutputRecord>();

  position(): bigint {
    return this.#index.position;
  }
  poisoned(): string {
    return "";
  }
  onPoison(): void {}
  prunedFence(): bigint {
    return this.#index.prunedFence;
  }
  attempts(): AttemptRecord[] {
    return [...this.#index.attempts.values()].sort((a, b) => (a.fence < b.fence ? -1 : 1));
  }
  attempt(fence: bigint): AttemptRecord | undefined {
    return this.#index.attempts.get(fence);
  }
  offer(fence: bigint): OfferRecord | undefined {
    return this.#offers.get(fence);
  }
  eventsAfter(fence: bigint, seq: bigint, limit: number): StoredEvent[] {
    const from = Number(seq);
    return (this.#events.get(fence) ?? []).slice(from, from + limit);
  }
  outputs(fence: bigint): OutputRecord[] {
    return [...this.#outputs.values()].filter((o) => o.fence === fence).map((o) => this.#acks.applied(o));
  }

  commit(records: readonly JournalRecord[]): StoredEvent[] {
    const staged = this.#index.stage(records);
    for (const record of records) this.#keep(record);
    for (const event of staged.events) this.#events.set(event.fence, [...(this.#events.get(event.fence) ?? []), event]);
    this.#index.apply(staged);
    return staged.events;
  }

  noteEventsAcked(fence: bigint, seq: bigint): void {
    this.#acks.noteEvents(this.#index, fence, seq);
  }
  noteOutputAcked(fence: bigint, stepId: string, tryNumber: number, bytes: bigint): void {
    this.#acks.noteOutput(fence, stepId, tryNumber, bytes);
  }
  close(): void {}

  #keep(record: JournalRecord): void {
    if (record.kind === "open" && record.offer !== undefined) this.#offers.set(record.fence, record.offer);
    if (record.kind === "output") {
      const { fence, stepId, try: tryNumber } = record.output;
      this.#outputs.set(outputKey(fence, stepId, tryNumber), record.output);
    }
    if (record.kind !== "forget") return;
    this.#offers.delete(record.fence);
    this.#events.delete(record.fence);
    for (const [key, output] of this.#outputs) if (output.fence === record.fence) this.#outputs.delete(key);
  }
}
