// The checker is only worth what it finds: each test breaks one thing in evidence that is right, and sees it named.
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { checkInvariants } from "./check-invariants.ts";
import type { TryEvidence } from "./evidence.ts";
import type { LedgerEnd, LedgerStart } from "./ledger.ts";
import { type SampleEvidence, sampleEvidence } from "./testing/sample-evidence.ts";
import type { Entity, Transition } from "./transitions.ts";

test("evidence in which everything is right has no violation", () => {
  expect(checkInvariants(sampleEvidence())).toEqual([]);
});

const found = (breakIt: (evidence: SampleEvidence) => void): string[] => {
  const evidence = sampleEvidence();
  breakIt(evidence);
  return checkInvariants(evidence).map(({ invariant, subject, what }) => `${invariant}: ${subject} ${what}`);
};
const one = (e: SampleEvidence, step: string, number = 1, host = "host-1"): TryEvidence =>
  e.tries.find((row) => row.step === step && row.try === number && row.assignment === `assignment-${host}`)!;
const startOf = (e: SampleEvidence, step: string, number = 1) =>
  e.ledger.find((line): line is LedgerStart => line.kind === "start" && line.step === step && line.try === number)!;
const endOf = (e: SampleEvidence, step: string, number = 1) =>
  e.ledger.find((line): line is LedgerEnd => line.kind === "end" && line.step === step && line.try === number)!;
const history = (e: SampleEvidence, entity: Entity): Transition[] => e.transitions.filter((t) => t.entity === entity);
const chunksOf = (e: SampleEvidence, step: string, number = 1) =>
  e.chunks.get(`assignment-host-1/1/${step}/${number}`)!;
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

const broken: Record<string, [RegExp, (evidence: SampleEvidence) => void][]> = {
  "1, stored exactly once": [
    [/^1: work-0 was asked for once and exists 0 times/, (e) => e.executions.splice(0)],
    [/^1: work-0 was asked for once and exists 2 times/, (e) => e.executions.push({ ...e.executions[0]!, id: "copy" })],
    [
      /^1: foreign exists and nobody asked for it/,
      (e) => e.executions.push({ ...e.executions[0]!, id: "foreign", key: null }),
    ],
    [/^1: work-0 was asked for on .* and has assignments for host-2/, (e) => e.assignments.splice(0, 1)],
    [/^1: try .*exit code 7, and the step ended with 0/, (e) => Object.assign(one(e, "tidy"), { exitCode: 7 })],
    [/^1: try .*succeeded, and the step ended with 3/, (e) => Object.assign(one(e, "flaky"), { state: "succeeded" })],
    [
      /^1: try .*succeeded \(\), and the step did not come to an end/,
      (e) => e.ledger.splice(e.ledger.indexOf(endOf(e, "tidy")), 1),
    ],
    [/^1: try .*succeeded, and it never started/, (e) => e.ledger.splice(e.ledger.indexOf(startOf(e, "tidy")), 2)],
    [/^1: try .*timed out, and has no timeout/, (e) => Object.assign(one(e, "tidy"), { state: "timed_out" })],
    [/^1: try .*was cancelled, and nobody asked for it/, (e) => Object.assign(one(e, "tidy"), { state: "cancelled" })],
    [/^1: try .*is lost .*nothing was killed/, (e) => e.killedSpawns.splice(0)],
    [/^1: try .*is lost .*nothing was killed/, (e) => Object.assign(e.killedSpawns[0]!, { hadExitRecord: true })],
    [/^1: try .*is lost .*nothing was killed/, (e) => Object.assign(e.killedSpawns[0]!, { fence: 10n })],
    [/^1: try .*cancelled, and the step had ended by itself with 0 before/, cancelLate],
    [/^1: step .*succeeded, and its last try failed/, (e) => Object.assign(one(e, "tidy"), { state: "failed" })],
    [/^1: step .*succeeded without a try/, (e) => e.tries.splice(e.tries.indexOf(one(e, "tidy")), 1)],
    [/^1: step .*has tries 2$/, (e) => e.tries.splice(e.tries.indexOf(one(e, "flaky")), 1)],
    [
      /^1: assignment .*nothing is recorded of tidy/,
      (e) =>
        e.steps.splice(
          e.steps.findIndex((s) => s.step === "tidy"),
          1,
        ),
    ],
    [/^1: assignment .*is failed .*make it succeeded/, (e) => Object.assign(e.assignments[0]!, { state: "failed" })],
    [
      /^1: assignment .*was cancelled, and nobody asked for it/,
      (e) => Object.assign(e.assignments[0]!, { state: "cancelled" }),
    ],
    [
      /^1: assignment .*step tidy of finally is skipped/,
      (e) => Object.assign(e.steps.find((s) => s.step === "tidy")!, { state: "skipped" }),
    ],
    [/^1: try .*outcome replaced/, (e) => Object.assign(history(e, "try")[2]!, { anomaly: "outcome replaced" })],
    [/^1: output of .*is not what the step printed: .*different from byte 3/, flipByte],
    [
      /^1: output of .*the agent counted 299 bytes, and the step printed 300/,
      (e) => Object.assign(one(e, "flaky"), { rawBytes: 299 }),
    ],
    [/^1: output of .*which its seed does not make/, (e) => Object.assign(endOf(e, "flaky"), { sha256: "00" })],
    [
      /^1: output of .*has a gap below its limit/,
      (e) => Object.assign(one(e, "flaky"), { gaps: [{ offset: 0, omittedBytes: 0 }] }),
    ],
    [/^1: output of .*has 0 gaps/, (e) => Object.assign(one(e, "loud"), { gaps: [] })],
    [
      /^1: output of .*is not what the step printed/,
      (e) => Object.assign(one(e, "loud").gaps[0]!, { omittedBytes: 975 }),
    ],
  ],
  "2, states are paths": [
    [
      /^2: try .*succeeded → failed/,
      (e) => e.transitions.push({ ...history(e, "try").at(-1)!, from: "succeeded", to: "failed" }),
    ],
    [
      /^2: assignment .*was offered, and goes on from queued/,
      (e) => Object.assign(history(e, "assignment")[1]!, { from: "queued" }),
    ],
    [/^2: assignment .*running → accepted/, (e) => Object.assign(history(e, "assignment")[3]!, { to: "accepted" })],
    [
      /^2: execution .*is succeeded, and was failed recorded/,
      (e) => Object.assign(e.executions[0]!, { state: "succeeded" }),
    ],
    [
      /^2: execution .*is succeeded and its stages fold into failed/,
      (e) => Object.assign(e.executions[0]!, { state: "succeeded" }),
    ],
    [
      /^2: execution .*is cancelled and its stages fold into failed/, // and nobody cancelled it
      (e) => Object.assign(e.executions[0]!, { state: "cancelled" }),
    ],
    [/^2: execution .*counts {"succeeded":2}/, (e) => Object.assign(e.executions[0]!, { counts: { succeeded: 2 } })],
    [
      /^2: stage .*is partial and its assignments fold into failed/,
      (e) => Object.assign(e.stages[0]!, { state: "partial" }),
    ],
  ],
  "3, at most one start": [
    [/^3: .*started 2 times/, (e) => e.ledger.push({ ...startOf(e, "tidy"), pid: 999 })],
    [/^3: .*ended 2 times/, (e) => e.ledger.push({ ...endOf(e, "tidy") })],
    [/^3: .*started in more than one attempt/, (e) => e.ledger.push({ ...startOf(e, "tidy"), attempt: 2 })],
    [/^3: .*started, and nobody planned it/, (e) => Object.assign(startOf(e, "tidy"), { step: "stranger" })],
    [/^3: .*started, and nobody recorded it/, (e) => e.tries.splice(e.tries.indexOf(one(e, "tidy")), 1)],
    [/^3: .*started with fence 9, and the assignment has 10/, (e) => Object.assign(startOf(e, "tidy"), { fence: 9n })],
    [/^3: .*started on host-2 .*not where it belongs/, (e) => Object.assign(startOf(e, "tidy"), { target: "host-2" })],
    [/^3: .*started after a lost try, and is not idempotent/, (e) => Object.assign(one(e, "flaky"), { state: "lost" })],
    [/^3: .*started after a try succeeded/, (e) => Object.assign(one(e, "flaky"), { state: "succeeded" })],
    [/^3: .*after the last allowed retry/, (e) => Object.assign(e.asked[0]!.plan.job.steps[0]!, { retryMax: 0 })],
    [/^3: .*flaky started after tidy/, (e) => e.ledger.push({ ...startOf(e, "flaky"), try: 3 })],
    [/^3: .*flaky\/1 ended while .*flaky\/2 ran/, (e) => swap(e, endOf(e, "flaky"), startOf(e, "flaky", 2))],
  ],
  "4, contiguous and the same": [
    [
      /^4: output of .*a row begins at 150, and 149 is what follows/,
      (e) => Object.assign(chunksOf(e, "flaky")[0]!, { bytes: chunksOf(e, "flaky")[0]!.bytes.subarray(1) }),
    ],
    [/^4: output of .*150 bytes are stored, and the try counts 300/, (e) => chunksOf(e, "flaky").pop()],
    [
      /^4: output of .*300 bytes are stored, and the agent named null/,
      (e) => Object.assign(one(e, "flaky"), { outputBytes: null }),
    ],
    [
      /^4: output of .*a row begins at 0, and 300 is what follows/,
      (e) => chunksOf(e, "flaky").push(chunksOf(e, "flaky")[0]!),
    ],
    [/^4: output of .*the agent said/, flipByte],
  ],
  "5, epochs and fences grow": [
    [
      /^5: session agent its epoch went from 3 to 3 \(open\)/,
      (e) => Object.assign(history(e, "session")[2]!, { epoch: 3n }),
    ],
    [/^5: session agent its epoch went from 3 to 2/, (e) => Object.assign(history(e, "session")[2]!, { epoch: 2n })],
    [
      /^5: assignment .*attempt 2 has fence 8 after 10/,
      (e) => Object.assign(history(e, "assignment")[3]!, { attempt: 2, fence: 8n }),
    ],
    [
      /^5: assignment .*fence 10 belongs to/,
      (e) => {
        for (const t of history(e, "assignment").filter((t) => t.fence === 11n)) t.fence = 10n;
      },
    ],
  ],
  "6, nothing unfinished": [
    [/^6: execution .*is still running/, (e) => Object.assign(e.executions[0]!, { state: "running" })],
    [/^6: stage .*is still running/, (e) => Object.assign(e.stages[0]!, { state: "running" })],
    [/^6: assignment .*is still offered/, (e) => Object.assign(e.assignments[0]!, { state: "offered" })],
    [/^6: step .*is still running/, (e) => Object.assign(e.steps[0]!, { state: "running" })],
    [/^6: try .*is still started/, (e) => Object.assign(e.tries[0]!, { state: "started" })],
    [/^6: host-1: \/a\/folder was left behind/, (e) => e.leftovers.push("host-1: /a/folder")],
  ],
};

describe.each(Object.entries(broken))("invariant %s", (_, cases) => {
  test.each(cases)("a run is condemned: %s", (wanted, breakIt) => {
    expect(found(breakIt)).toContainEqual(expect.stringMatching(wanted));
  });
});

test("a stored stream that agent and database agree on is still compared with what was printed", () => {
  const wrongs = found((e) => {
    flipByte(e);
    const row = one(e, "flaky");
    row.outputSha256 = sha256(Buffer.concat(chunksOf(e, "flaky").map(({ bytes }) => bytes)));
  });
  expect(wrongs).toEqual([expect.stringMatching(/is not what the step printed/)]);
});

function flipByte(evidence: SampleEvidence): void {
  const [chunk] = chunksOf(evidence, "flaky");
  chunk!.bytes = Buffer.from(chunk!.bytes);
  chunk!.bytes[3]! ^= 1;
}

function cancelLate(evidence: SampleEvidence): void {
  Object.assign(one(evidence, "tidy"), { state: "cancelled" });
  endOf(evidence, "tidy").at = 10;
  evidence.asked[0]!.cancelAskedAt = 11;
}

function swap(evidence: SampleEvidence, a: LedgerEnd, b: LedgerStart): void {
  const [first, second] = [evidence.ledger.indexOf(a), evidence.ledger.indexOf(b)];
  evidence.ledger[first] = b;
  evidence.ledger[second] = a;
}

test("the shell of a script may be stopped after its program came to its end, a program by itself may not", () => {
  const stopped = (shell: "sh" | "none") =>
    found((e) => {
      cancelLate(e);
      endOf(e, "tidy").at = 12;
      Object.assign(one(e, "tidy"), { exitCode: null, signal: "SIGTERM" });
      e.asked[0]!.plan.job.steps.find(({ id }) => id === "tidy")!.shell = shell;
    }).filter((what) => /^1: try .*cancelled with exit code null, and the step ended with 0/.test(what));
  expect(stopped("sh")).toEqual([]);
  expect(stopped("none")).toHaveLength(1);
});
