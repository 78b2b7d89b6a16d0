// One suite of behaviour that every journal implementation must pass; journal.test.ts runs it over all of them.
import { expect, test } from "vitest";
import type { AttemptKey, EventBody, Journal, JournalRecord, Moment, OfferRecord } from "./journal.ts";

export const sampleMoment: Moment = { atMs: 1_700_000_000_123, monotonicMs: 12.5, bootId: "boot-a" };

export function sampleOffer(fence: bigint, change: Partial<OfferRecord> = {}): OfferRecord {
  return {
    assignmentId: `assignment-${fence}`,
    attempt: 1,
    fence,
    executionId: "execution-1",
    executionNumber: 7n,
    stageId: "main",
    definition: new Uint8Array([0, 255, 10, 13]),
    definitionMediaType: "text/yaml",
    definitionSha256: new Uint8Array(32).fill(3),
    inputsJson: Buffer.from('{"a":1}'),
    needsOutputsJson: Buffer.from("{}"),
    target: { id: "t", name: "web-1", servicesJson: Buffer.from("[]"), secretNames: ["s"] },
    startBeforeMs: 0,
    acceptedAtMs: 5,
    ...change,
  };
}

export function openRecord(offer: OfferRecord): JournalRecord {
  const key: AttemptKey = { assignmentId: offer.assignmentId, attempt: offer.attempt };
  return { kind: "open", key, fence: offer.fence, offer, releaseThroughStep: 0xffffffff };
}

export function eventRecord(fence: bigint, body: EventBody): JournalRecord {
  return { kind: "event", fence, at: sampleMoment, body };
}

const finishedTry: EventBody = {
  kind: "tryFinished",
  stepId: "a",
  try: 1,
  state: "failed",
  exitCode: undefined,
  signal: "SIGKILL",
  reason: "",
  outputBytes: 2n ** 40n,
  outputSha256: new Uint8Array([1, 2, 3]),
  gaps: [{ offset: 5n, omittedBytes: 6n }],
  rawBytes: 9n,
  durationMs: 1.25,
};

function accept(journal: Journal, fence: bigint): void {
  journal.commit([openRecord(sampleOffer(fence)), eventRecord(fence, { kind: "accepted" })]);
}

/** `make` opens a fresh, empty journal. */
export function describeJournal(name: string, make: () => Journal): void {
  const each = (title: string, body: (journal: Journal) => void) =>
    test(`${name}: ${title}`, () => {
      const journal = make();
      try {
        body(journal);
      } finally {
        journal.close();
      }
    });

  each("numbers the events of each attempt from 1 without a hole", (journal) => {
    accept(journal, 10n);
    accept(journal, 11n);
    const stored = journal.commit([
      eventRecord(10n, { kind: "tryStarting", stepId: "a", try: 1, spawn: 1 }),
      eventRecord(11n, { kind: "tryStarting", stepId: "a", try: 1, spawn: 1 }),
      eventRecord(10n, finishedTry),
    ]);
    expect(stored.map((e) => [e.fence, e.seq])).toEqual([
      [10n, 2n],
      [11n, 2n],
      [10n, 3n],
    ]);
    expect(journal.eventsAfter(10n, 0n, 100).map((e) => e.seq)).toEqual([1n, 2n, 3n]);
    expect(journal.eventsAfter(10n, 1n, 1).map((e) => e.seq)).toEqual([2n]);
    expect(journal.eventsAfter(10n, 3n, 100)).toEqual([]);
  });

  each("gives events and offers back exactly as they were recorded", (journal) => {
    accept(journal, 10n);
    journal.commit([eventRecord(10n, finishedTry)]);
    const [event] = journal.eventsAfter(10n, 1n, 10);
    expect(event).toMatchObject({ assignmentId: "assignment-10", attempt: 1, ...sampleMoment });
    expect(plain(event!.body)).toEqual(plain(finishedTry));
    expect(plain(journal.offer(10n)!)).toEqual(plain(sampleOffer(10n)));
  });

  each("derives the attempt's state from its events", (journal) => {
    accept(journal, 10n);
    expect(journal.attempt(10n)).toMatchObject({ state: "accepted", lastSeq: 1n, want: "run" });
    journal.commit([eventRecord(10n, { kind: "tryStarting", stepId: "a", try: 1, spawn: 1 })]);
    expect(journal.attempt(10n)?.state).toBe("running");
    journal.commit([eventRecord(10n, { kind: "finished", state: "timed_out", reason: "" })]);
    expect(journal.attempt(10n)?.state).toBe("timed_out");
    expect(() => journal.commit([eventRecord(10n, finishedTry)])).toThrow(/no event may follow/);
    expect(journal.poisoned()).toBe("");
  });

  each("applies a commit whole or not at all", (journal) => {
    accept(journal, 10n);
    const before = journal.position();
    expect(() => journal.commit([eventRecord(10n, finishedTry), eventRecord(99n, finishedTry)])).toThrow(/fence 99/);
    expect(journal.position()).toBe(before);
    expect(journal.eventsAfter(10n, 0n, 10)).toHaveLength(1);
    expect(() => journal.commit([openRecord(sampleOffer(10n))])).toThrow(/already/);
  });

  each("keeps the newest desire", (journal) => {
    accept(journal, 10n);
    journal.commit([{ kind: "desire", fence: 10n, want: "hold", reason: "", releaseThroughStep: 0 }]);
    journal.commit([{ kind: "desire", fence: 10n, want: "cancel", reason: "by ann", releaseThroughStep: 3 }]);
    expect(journal.attempt(10n)).toMatchObject({ want: "cancel", wantReason: "by ann", releaseThroughStep: 3 });
  });

  each("forgets outcomes only, and keeps the highest pruned fence", (journal) => {
    for (const fence of [10n, 12n]) accept(journal, fence);
    const forget = (fence: bigint) => journal.commit([{ kind: "forget", fence }]);
    expect(() => forget(12n)).toThrow(/only an outcome/);
    for (const fence of [12n, 10n]) {
      journal.commit([
        { kind: "output", output: sampleOutput(fence) },
        eventRecord(fence, { kind: "finished", state: "succeeded", reason: "" }),
      ]);
      forget(fence);
    }
    expect(journal.prunedFence()).toBe(12n);
    expect(journal.attempts()).toEqual([]);
    expect(journal.offer(12n)).toBeUndefined();
    expect(journal.eventsAfter(12n, 0n, 10)).toEqual([]);
    expect(journal.outputs(12n)).toEqual([]);
  });

  each("keeps a tombstone, which has no offer", (journal) => {
    const key = { assignmentId: "x", attempt: 2 };
    journal.commit([
      { kind: "open", key, fence: 5n, offer: undefined, releaseThroughStep: 0 },
      eventRecord(5n, { kind: "tombstone", code: "cancelled" }),
    ]);
    expect(journal.attempt(5n)).toMatchObject({ ...key, state: "tombstone" });
    expect(journal.offer(5n)).toBeUndefined();
  });

  each("gives events again from any point, acknowledged or not, until they are forgotten", (journal) => {
    accept(journal, 10n);
    journal.commit([
      eventRecord(10n, finishedTry),
      eventRecord(10n, { kind: "finished", state: "failed", reason: "" }),
    ]);
    journal.noteEventsAcked(10n, 3n);
    journal.commit([]);
    for (const from of [0n, 2n, 1n, 0n])
      expect(journal.eventsAfter(10n, from, 10).map((e) => e.seq)).toEqual([1n, 2n, 3n].filter((seq) => seq > from));
    journal.commit([{ kind: "forget", fence: 10n }]);
    expect(journal.eventsAfter(10n, 0n, 10)).toEqual([]);
  });

  each("never makes the pruned fence smaller, and takes newer work beside what is pruned", (journal) => {
    for (const fence of [30n, 20n]) {
      accept(journal, fence);
      journal.commit([eventRecord(fence, { kind: "finished", state: "succeeded", reason: "" })]);
      journal.commit([{ kind: "forget", fence }]);
      expect(journal.prunedFence()).toBe(30n);
    }
    accept(journal, 31n);
    expect(journal.attempts().map((a) => a.fence)).toEqual([31n]);
  });

  each("has an id of its own that stays the same", (journal) => {
    const { id } = journal;
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    accept(journal, 10n);
    expect(journal.id).toBe(id);
  });

  each("never takes an acknowledgement back, nor one beyond what it has", (journal) => {
    accept(journal, 10n);
    journal.noteEventsAcked(10n, 9n);
    expect(journal.attempt(10n)?.ackedSeq).toBe(1n);
    journal.noteEventsAcked(10n, 0n);
    expect(journal.attempt(10n)?.ackedSeq).toBe(1n);
    journal.noteEventsAcked(77n, 1n);
    expect(journal.attempt(77n)).toBeUndefined();
  });

  each("keeps output records and what was acknowledged of them", (journal) => {
    accept(journal, 10n);
    journal.commit([{ kind: "output", output: sampleOutput(10n) }]);
    journal.noteOutputAcked(10n, "a", 1, 2n);
    expect(journal.outputs(10n)).toMatchObject([
      { stepId: "a", try: 1, folder: "0.1.1", ackedOffset: 2n, totalBytes: 3n },
    ]);
    expect([...journal.outputs(10n)[0]!.inline!]).toEqual([0, 255, 7]);
    journal.commit([{ kind: "output", output: { ...sampleOutput(10n), ackedOffset: 3n, inline: undefined } }]);
    expect(journal.outputs(10n)).toMatchObject([{ ackedOffset: 3n, inline: undefined }]);
  });

  each("moves its position forward with every record", (journal) => {
    accept(journal, 10n);
    expect(journal.position()).toBe(2n);
    journal.commit([eventRecord(10n, { kind: "finished", state: "failed", reason: "" })]);
    expect(journal.position()).toBe(3n);
  });

  each("lists attempts by fence", (journal) => {
    for (const fence of [2n ** 62n, 3n, 20n]) accept(journal, fence);
    expect(journal.attempts().map((a) => a.fence)).toEqual([3n, 20n, 2n ** 62n]);
  });
}

export function sampleOutput(fence: bigint) {
  const inline = new Uint8Array([0, 255, 7]);
  return {
    ...{ fence, stepId: "a", try: 1, folder: "0.1.1", ackedOffset: 0n, totalBytes: 3n, inline },
  };
}

/** Equal for equal values, whatever kind of array carries the bytes. */
function plain(value: object): unknown {
  return Object.fromEntries(
    Object.entries(value).map(([key, v]) => {
      if (v instanceof Uint8Array) return [key, Buffer.from(v).toString("hex")];
      return [key, typeof v === "object" && v !== null && !Array.isArray(v) ? plain(v) : v];
    }),
  );
}
