// A short life of a journal with everything that it does, the same each time, so that what is found after a crash can be
// compared with what must be there. Used by the fault tests and by the program that they crash.

import type { EventBody, Journal, JournalRecord } from "../journal.ts";
import { eventRecord, openRecord, sampleMoment, sampleOffer, sampleOutput } from "../journal-conformance.ts";

const tryFinished: EventBody = {
  ...{ kind: "tryFinished", stepId: "a", try: 1, state: "succeeded", exitCode: 0, signal: "", reason: "" },
  ...{ outputBytes: 3n, outputSha256: new Uint8Array(32).fill(9), gaps: [], rawBytes: 3n, durationMs: 1.25 },
};
const finished = (fence: bigint) => eventRecord(fence, { kind: "finished", state: "succeeded", reason: "" });
const started = (fence: bigint, stepId = "a"): JournalRecord[] => [
  eventRecord(fence, { kind: "tryStarting", stepId, try: 1, spawn: 1 }),
  { kind: "output", output: { ...sampleOutput(fence), stepId, inline: undefined, totalBytes: undefined } },
];
const accepted = (fence: bigint, definitionBytes = 4) => [
  openRecord(sampleOffer(fence, { definition: new Uint8Array(definitionBytes).fill(7) })),
  eventRecord(fence, { kind: "accepted" }),
];
const ended = (fence: bigint): JournalRecord[] => [
  eventRecord(fence, { kind: "tryStarted", stepId: "a", try: 1, spawn: 1, pid: 77, bootId: sampleMoment.bootId }),
  eventRecord(fence, tryFinished),
  { kind: "output", output: sampleOutput(fence) },
  eventRecord(fence, {
    ...{ kind: "stepFinished", stepId: "a", state: "succeeded", reason: "", changed: false },
    outputsJson: Buffer.from('{"x":"1"}'),
  }),
];

/** One commit each; a function notes acknowledgements before it. */
type Commit = (journal: Journal) => readonly JournalRecord[];

const commits: readonly Commit[] = [
  () => accepted(10n),
  () => started(10n),
  () => ended(10n),
  () => [...accepted(11n, 9000), ...started(11n)],
  (journal) => {
    journal.noteEventsAcked(10n, 4n);
    journal.noteOutputAcked(10n, "a", 1, 2n);
    return [finished(10n)];
  },
  () => [{ kind: "desire", fence: 11n, want: "cancel", reason: "by ann", releaseThroughStep: 3 }],
  (journal) => {
    journal.noteEventsAcked(10n, 6n);
    journal.noteOutputAcked(10n, "a", 1, 3n);
    return [{ kind: "forget", fence: 10n }];
  },
  () => [
    { kind: "open", key: { assignmentId: "buried", attempt: 2 }, fence: 12n, offer: undefined, releaseThroughStep: 0 },
    eventRecord(12n, { kind: "tombstone", code: "cancelled" }),
  ],
  () => [...ended(11n), finished(11n)],
  () => [{ kind: "forget", fence: 12n }],
];

export const workloadCommits = commits.length;

/** Does commit `n` (from 1) and returns when it is durable. */
export function workloadCommit(journal: Journal, n: number): void {
  journal.commit(commits[n - 1]!(journal));
}

/** Everything that a journal tells, as text that can be compared; its random id left out. */
export function describeState(journal: Journal): string {
  const attempts = journal.attempts().map((attempt) => ({
    attempt,
    offer: journal.offer(attempt.fence),
    events: journal.eventsAfter(attempt.fence, 0n, 1000),
    outputs: journal.outputs(attempt.fence),
  }));
  const state = { position: journal.position(), pruned: journal.prunedFence(), attempts };
  return JSON.stringify(state, (_key, v: unknown) => {
    if (typeof v === "bigint") return `${v}n`;
    if (v instanceof Uint8Array || isBufferJson(v)) return Buffer.from(v as Uint8Array).toString("hex");
    return isPlainObject(v) ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1))) : v;
  });
}

/** Buffer's own toJSON runs before a replacer. */
function isBufferJson(value: unknown): boolean {
  return typeof value === "object" && value !== null && "type" in value && value.type === "Buffer";
}

function isPlainObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What `journal`, a fresh one, tells after each commit; at 0 before the first. */
export function statesOfWorkload(journal: Journal): string[] {
  const states = [describeState(journal)];
  for (let n = 1; n <= workloadCommits; n++) {
    workloadCommit(journal, n);
    states.push(describeState(journal));
  }
  return states;
}
