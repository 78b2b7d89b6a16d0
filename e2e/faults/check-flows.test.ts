// What is promised of workflows, rollouts, approvals, turns and pauses: each test breaks one thing in evidence that is
// right, and sees it named.
import { expect, test } from "vitest";
import { checkInvariants } from "./check-invariants.ts";
import type { Evidence } from "./evidence.ts";
import { sampleFlowEvidence } from "./testing/sample-flow-evidence.ts";
import type { Entity, Transition } from "./transitions.ts";

test("executions in which everything is right have no violation", () => {
  expect(checkInvariants(sampleFlowEvidence())).toEqual([]);
});

const move = (e: Evidence, entity: Entity, key: string, to: string): Transition =>
  e.transitions.find((one) => one.entity === entity && one.key === key && one.to === to)!;
const assignment = (e: Evidence, id: string) => e.assignments.find((row) => row.id === id)!;
const startOf = (e: Evidence, id: string, step: string) =>
  e.ledger.find((line) => line.kind === "start" && line.assignment === id && line.step === step)!;
const stageOf = (e: Evidence, executionId: string, stageId: string) =>
  e.stages.find((row) => row.executionId === executionId && row.stageId === stageId)!;
/** The change happened at another time. */
const shift = (one: Transition, id: number) =>
  Object.assign(one, {
    ...{ id, at: new Date(id * 1000), begunAt: new Date(id * 1000), transaction: String(id) },
    snapshot: `${Math.floor(id)}:${Math.floor(id)}:`,
  });
const right = "execution-1";
const failed = "execution-3";

test.each<[RegExp, (e: Evidence) => void]>([
  // Rows
  [/^1: one .*stage b\/2 does not exist/, (e) => e.stages.splice(e.stages.indexOf(stageOf(e, right, "b/2")), 1)],
  [/^1: one .*stage a exists twice/, (e) => e.stages.push(stageOf(e, right, "a"))],
  [/^1: one .*stage z exists and nobody planned it/, (e) => e.stages.push({ ...stageOf(e, right, "a"), stageId: "z" })],
  [
    /^1: one .*stage b\/1 is a part of b for green/,
    (e) => Object.assign(stageOf(e, right, "b/1"), { matrix: { item: "green" } }),
  ],
  [
    /^1: one .*stage a was to run on .*host-3 and has .*host-3, host-3/,
    (e) => e.assignments.push({ ...assignment(e, `${right}/a/host-3`), id: "copy" }),
  ],
  [
    /^1: one .*stage b\/1 was to run on host-1 and has nothing/,
    (e) => e.assignments.splice(e.assignments.indexOf(assignment(e, `${right}/b/1/host-1`)), 1),
  ],
  [
    /^flow: one .*stage a host-3 is in batch 0, and belongs to 1/,
    (e) => Object.assign(assignment(e, `${right}/a/host-3`), { batch: 0 }),
  ],
  // Conditions and what stages give
  [
    /^flow: one .*stage c ran, and failure\(\) was not so/,
    (e) => shift(Object.assign(move(e, "stage", `${right}/c`, "skipped"), { to: "running" }), 9000),
  ],
  [
    /^flow: three .*stage c is skipped and did not run, and failure\(\) was so/,
    (e) => {
      e.transitions.splice(e.transitions.indexOf(move(e, "stage", `${failed}/c`, "running")), 1);
      stageOf(e, failed, "c").state = "skipped";
    },
  ],
  [
    /^flow: one .*stage b\/1 gave none to b-1 on host-1, and a gave s\.a-1/,
    (e) => Object.assign(startOf(e, `${right}/b/1/host-1`, "b-1"), { given: "none" }),
  ],
  [
    /^flow: three-again .*stage d had succeeded before, and is skipped/,
    (e) => Object.assign(stageOf(e, "execution-4", "d"), { state: "skipped" }),
  ],
  [
    /^1: three-again .*stage c was to run on host-1 and has nothing/,
    (e) => e.assignments.splice(e.assignments.indexOf(assignment(e, "execution-4/c/host-1")), 1),
  ],
  [
    /^1: three-again .*stage a was to run on host-1, host-3 and has host-3/,
    (e) => e.assignments.splice(e.assignments.indexOf(assignment(e, "execution-4/a/host-1")), 1),
  ],
  [
    /^2: execution execution-1 is succeeded and its stages fold into failed/,
    (e) => Object.assign(stageOf(e, right, "b"), { state: "failed" }),
  ],
  // Order
  [
    /^flow: one .*stage b began before a, which it needs, was over/,
    (e) => shift(move(e, "stage", `${right}/b`, "running"), move(e, "stage", `${right}/a`, "succeeded").id - 1),
  ],
  [
    /^flow: one .*stage b was offered before a, which it needs, was over/,
    (e) =>
      shift(
        move(e, "assignment", `${right}/b/1/host-1`, "offered"),
        move(e, "stage", `${right}/a`, "succeeded").id - 1,
      ),
  ],
  [
    /^flow: one .*stage b a step started .* before the last one of a, which it needs/,
    (e) => Object.assign(startOf(e, `${right}/b/1/host-1`, "b-1"), { at: startOf(e, `${right}/a/host-3`, "a-2").at }),
  ],
  [
    /^flow: one .*stage a host-3 of batch 1 was offered before host-1 of batch 0 was over/,
    (e) =>
      shift(
        move(e, "assignment", `${right}/a/host-3`, "offered"),
        move(e, "assignment", `${right}/a/host-1`, "succeeded").id - 0.5,
      ),
  ],
  [
    /^flow: one .*stage a had 3 targets in progress, and a batch is 2/,
    (e) =>
      shift(
        move(e, "assignment", `${right}/a/host-3`, "offered"),
        move(e, "assignment", `${right}/a/host-1`, "running").id + 50e-3,
      ),
  ],
  [
    /^flow: one .*stage a a step of batch 1 started .* before the last one of the batch before/,
    (e) => Object.assign(startOf(e, `${right}/a/host-3`, "a-1"), { at: startOf(e, `${right}/a/host-2`, "a-2").at }),
  ],
  [
    /^flow: one .*stage a a-2 began in batch 0 while host-2 was at a step before it/,
    (e) => Object.assign(startOf(e, `${right}/a/host-1`, "a-2"), { at: startOf(e, `${right}/a/host-2`, "a-1").at }),
  ],
  [
    /^flow: three .*stage a host-3 of batch 1 was offered after 1 failures, and 0 were allowed/,
    (e) => Object.assign(move(e, "assignment", `${failed}/a/host-3`, "skipped"), { to: "offered" }),
  ],
  [
    /^flow: three .*stage a host-3 was offered after the failure budget was spent/,
    (e) => Object.assign(move(e, "assignment", `${failed}/a/host-3`, "skipped"), { to: "offered" }),
  ],
  [
    /^flow: one .*stage a was stopped after 0 failures, and 0 were allowed/,
    (e) => e.transitions.push({ ...move(e, "stop", `${failed}/a`, "stopped"), key: `${right}/a`, id: 9000 }),
  ],
  // Approvals
  [/^flow: one .*has 0 approvals/, (e) => e.approvals.splice(0, 1)],
  [
    /^flow: two .*was not approved \(rejected\), and something of it ran/,
    (e) =>
      e.transitions.push({
        ...move(e, "assignment", `${right}/a/host-1`, "offered"),
        key: "execution-2/a/host-1",
        id: 9000,
      }),
  ],
  [
    /^flow: two .*was not approved \(rejected\), and is succeeded/,
    (e) => Object.assign(e.executions[1]!, { state: "succeeded" }),
  ],
  [/^flow: two .*was rejected, and nobody did that/, (e) => e.decisions.splice(1, 1)],
  [/^flow: one .*began with 0 people who agreed, and 1 were needed/, (e) => e.decisions.splice(0, 1)],
  [
    /^flow: one .*began with 0 people who agreed, and 1 were needed/,
    (e) => Object.assign(e.executions[0]!, { requestedBy: "boss" }),
  ],
  [/^flow: one .*was approved by whoever asked for it/, (e) => Object.assign(e.asked[0]!, { ownApproval: 200 })],
  [
    /^flow: one .*was approved by mate, whom the rule does not name/,
    (e) => Object.assign(e.decisions[0]!, { userName: "mate" }),
  ],
  [/^flow: one .*was offered before it was approved/, (e) => shift(move(e, "approval", right, "approved"), 9000)],
  [
    /^flow: one .*a step started before it was approved/,
    (e) => Object.assign(startOf(e, `${right}/a/host-1`, "a-1"), { at: 1 }),
  ],
  [
    /^flow: two .*expired before its time/,
    (e) => Object.assign(move(e, "approval", "execution-2", "rejected"), { to: "expired" }),
  ],
  [
    /^1: approval execution-1 rule or time changed/,
    (e) => Object.assign(move(e, "approval", right, "approved"), { anomaly: "rule or time changed" }),
  ],
  // Turns
  [/^flow: three .*has the key turn with 1 others, and 1 may/, (e) => shift(move(e, "turn", right, "free"), 9000)],
  [
    /^flow: three .*ran with 1 others of the key turn, and 1 may/,
    (e) => Object.assign(startOf(e, `${failed}/a/host-1`, "a-1"), { at: startOf(e, `${right}/b/1/host-1`, "b-1").at }),
  ],
  [
    /^flow: three .*took its turn before one, which waited longer/,
    (e) => shift(move(e, "turn", failed, "held"), move(e, "turn", right, "held").id - 0.5),
  ],
  [
    /^flow: one .*took its turn only to be cancelled for three/,
    (e) => Object.assign(e.asked[2]!.plan.job.flow!.concurrency!, { onConflict: "cancel-running" }),
  ],
  [
    /^flow: one .*ran without its turn/,
    (e) => e.transitions.splice(e.transitions.indexOf(move(e, "turn", right, "held")), 1),
  ],
  [
    /^flow: one .*was cancelled, and nobody wanted its turn/,
    (e) => Object.assign(e.executions[0]!, { cancelRequestedAt: new Date() }),
  ],
  [
    /^2: turn execution-1 became held twice/,
    (e) => e.transitions.push({ ...move(e, "turn", right, "held"), id: 9000 }),
  ],
  [
    /^flow: two .*was skipped, and its job does not say so/,
    (e) => Object.assign(e.executions[1]!, { state: "skipped" }),
  ],
  [
    /^flow: two .*was skipped, and no other with the key turn was there/,
    (e) => {
      const end = move(e, "execution", "execution-2", "cancelled");
      shift(Object.assign(end, { to: "skipped" }), 9000);
    },
  ],
  // Pauses
  [
    /^flow: one .*was offered to an agent while it was paused/,
    (e) =>
      shift(move(e, "assignment", `${right}/b/1/host-1`, "offered"), move(e, "execution", right, "paused").id + 0.5),
  ],
  [
    /^flow: one .*a stage of it began while it was paused/,
    (e) => shift(move(e, "stage", `${right}/b`, "running"), move(e, "execution", right, "paused").id + 0.5),
  ],
])("a run is condemned: %s", (wanted, breakIt) => {
  const evidence = sampleFlowEvidence();
  breakIt(evidence);
  const found = checkInvariants(evidence).map(({ invariant, subject, what }) => `${invariant}: ${subject} ${what}`);
  expect(found).toContainEqual(expect.stringMatching(wanted));
});

test("one that ended, and was not yet known to have, stood in the way of what was skipped then", () => {
  const skippedAfter = (how: (end: Transition, other: Transition) => void) => {
    const evidence = sampleFlowEvidence();
    const end = shift(Object.assign(move(evidence, "execution", "execution-2", "cancelled"), { to: "skipped" }), 9000);
    const other = evidence.transitions.findLast(({ entity, key }) => entity === "execution" && key === right)!;
    how(end, other);
    return checkInvariants(evidence).filter(({ what }) => what.includes("no other with the key"));
  };
  expect(skippedAfter(() => {})).toHaveLength(1);
  // It goes on, says the snapshot.
  expect(
    skippedAfter((end, { transaction }) => Object.assign(end, { snapshot: `${transaction}:9000:${transaction}` })),
  ).toEqual([]);
  // It began after whatever that snapshot knows.
  expect(skippedAfter((end, { transaction }) => Object.assign(end, { snapshot: `1:${transaction}:` }))).toEqual([]);
  // It was written while what skips was under way.
  expect(skippedAfter((end, { at }) => Object.assign(end, { begunAt: at }))).toEqual([]);
});

test("what waits is skipped for a newer one that cancels what runs, and for no other", () => {
  const skippedFor = (change: (e: Evidence) => void) => {
    const evidence = sampleFlowEvidence();
    Object.assign(evidence.executions[1]!, { state: "skipped" });
    for (const { plan } of evidence.asked) plan.job.flow!.concurrency!.onConflict = "cancel-running";
    // The third was asked for before the second ended.
    change(evidence);
    return checkInvariants(evidence).filter(({ what }) => what.includes("its job does not say so"));
  };
  expect(skippedFor(() => {})).toEqual([]);
  const isNewer = (e: Evidence) => e.asked.filter(({ executionId }) => executionId > "execution-2");
  expect(
    skippedFor((e) => {
      for (const { plan } of isNewer(e)) plan.job.flow!.concurrency!.onConflict = "queue";
    }),
  ).toHaveLength(1);
  expect(
    skippedFor((e) => {
      shift(move(e, "execution", failed, "awaiting_approval"), 9000);
    }),
  ).toHaveLength(1);
  expect(
    skippedFor((e) => {
      for (const { executionId } of isNewer(e))
        e.executions.find(({ id }) => id === executionId)!.concurrencyKey = "another";
    }),
  ).toHaveLength(1);
});

test("what was skipped for a newer one is not passed over by it", () => {
  const evidence = sampleFlowEvidence();
  for (const { plan } of evidence.asked) plan.job.flow!.concurrency!.onConflict = "cancel-running";
  // The third begins before the first, which waited longer; then the first is skipped for it.
  shift(move(evidence, "turn", failed, "held"), move(evidence, "turn", right, "held").id - 0.5);
  const passedOver = () => checkInvariants(evidence).filter(({ what }) => what.includes("which waited longer"));
  expect(passedOver()).toHaveLength(1);
  evidence.transitions = evidence.transitions.filter((one) => !(one.entity === "turn" && one.key === right));
  Object.assign(move(evidence, "execution", right, "succeeded"), { to: "skipped" });
  expect(passedOver()).toEqual([]);
});

test("what goes on from a failed one and gets no turn is skipped, whatever had succeeded before; not once it did something", () => {
  const again = "execution-4";
  const evidence = sampleFlowEvidence();
  const folds = () =>
    checkInvariants(evidence).filter(
      ({ subject, what }) => subject.includes(again) && / its stages fold into /.test(what),
    );
  const execution = evidence.executions.find(({ id }) => id === again)!;
  Object.assign(execution, { state: "skipped", concurrencyKey: "turn" });
  expect(folds()).toHaveLength(1);
  for (const row of evidence.assignments) if (row.executionId === again) row.state = "skipped";
  expect(folds()).toEqual([]);
  execution.concurrencyKey = null;
  expect(folds()).toHaveLength(1);
});
