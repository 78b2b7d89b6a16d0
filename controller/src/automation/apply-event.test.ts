import {
  type AssignmentState,
  assignmentStates,
  isTerminal,
  type StepState,
  stepStates,
  type TryState,
  tryStates,
} from "@opsconductor/contract/states";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { AgentEventBody } from "../fleet/agent-link.ts";
import { applyEvent, plausibleTime } from "./apply-event.ts";
import type { Attempt } from "./attempt.ts";
import { settleAttempt } from "./finish-assignment.ts";

const at = new Date("2026-11-23T12:00:00Z");

function newAttempt(changes: Partial<Attempt["assignment"]> = {}): Attempt {
  return {
    assignment: {
      ...{ id: "a", executionId: "e", stageId: "main", targetId: "t", targetName: "web", agentId: "g" },
      ...{
        attempt: 1,
        fence: 1n,
        state: "offered",
        stateReason: null,
        desired: "run",
        lastSeq: 0n,
        begun: false,
        finish: null,
      },
      ...{ createdAt: at, offeredEpoch: 1n, offeredAt: at, acceptedAt: null, startedAt: null, finishedAt: null },
      ...{ timeoutAt: null, timedOutAt: null },
      ...changes,
    },
    before: changes.state ?? "offered",
    ...{ steps: new Map(), tries: new Map(), dirtySteps: new Set(), dirtyTries: new Set(), dirty: false },
    stage: { stepIds: ["one", "two"], timeoutMs: 60_000 },
    notes: [],
    violations: [],
  };
}

const stepId = fc.constantFrom("one", "two", "unknown");
const outcome = fc.constantFrom("succeeded", "failed", "timed_out", "cancelled", "lost", "skipped", "running", "odd");
const number = fc.integer({ min: 1, max: 3 });
const bytes = new Uint8Array();
const anyEvent: fc.Arbitrary<AgentEventBody> = fc.oneof(
  fc.constant({ kind: "accepted" as const }),
  fc.record({ kind: fc.constant("denied" as const), code: fc.string(), reason: fc.string() }),
  fc.record({ kind: fc.constant("tombstone" as const), code: fc.constantFrom("cancelled", "expired", "pruned", "x") }),
  fc.record({ kind: fc.constant("tryStarting" as const), stepId, try: number, spawn: number }),
  fc.record({
    kind: fc.constant("tryStarted" as const),
    stepId,
    try: number,
    spawn: number,
    pid: number,
    bootId: fc.string(),
  }),
  fc.record({
    ...{ kind: fc.constant("tryFinished" as const), stepId, try: number, state: outcome, reason: fc.string() },
    ...{ exitCode: fc.constant(0), signal: fc.constant(""), outputBytes: fc.constantFrom(0n, 5n) },
    ...{
      outputSha256: fc.constant(bytes),
      gaps: fc.constant<{ offset: bigint; omittedBytes: bigint }[]>([]),
      rawBytes: fc.constant(0n),
      durationMs: fc.nat(),
    },
  }),
  fc.record({
    ...{ kind: fc.constant("stepFinished" as const), stepId, state: outcome, reason: fc.string() },
    ...{ outputsJson: fc.constantFrom(bytes, Buffer.from("[1]"), Buffer.from('{"a":"b"}')), changed: fc.boolean() },
  }),
  fc.record({
    kind: fc.constant("finished" as const),
    state: outcome as fc.Arbitrary<AssignmentState>,
    reason: fc.string(),
  }),
);

/** True when `table` has a path of any length from `from` to `to`. */
function reaches(table: Record<string, readonly string[]>, from: string, to: string): boolean {
  const seen = new Set([from]);
  for (const state of seen) for (const next of table[state]!) seen.add(next);
  return seen.has(to);
}

test("whatever an agent says, every state is reached along its table and no terminal state is left", () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 30 }), (events) => {
      const attempt = newAttempt();
      const steps = new Map<string, StepState>();
      const tries = new Map<string, TryState>();
      for (const event of events) {
        const before = attempt.assignment.state;
        applyEvent(attempt, event, at);
        settleAttempt(attempt);
        expect(reaches(assignmentStates, before, attempt.assignment.state)).toBe(true);
        for (const [id, row] of attempt.steps) {
          expect(reaches(stepStates, steps.get(id) ?? "pending", row.state)).toBe(true);
          steps.set(id, row.state);
        }
        for (const [key, row] of attempt.tries) {
          expect(reaches(tryStates, tries.get(key) ?? "starting", row.state)).toBe(true);
          tries.set(key, row.state);
        }
        expect(isTerminal(assignmentStates, attempt.assignment.state)).toBe(attempt.assignment.finishedAt !== null);
      }
      expect(attempt.steps.has("unknown")).toBe(false);
    }),
    { numRuns: 300 },
  );
});

test("what contradicts the tables is counted, not believed", () => {
  const attempt = newAttempt();
  applyEvent(attempt, { kind: "accepted" }, at);
  applyEvent(attempt, { kind: "tryStarting", stepId: "nope", try: 1, spawn: 1 }, at);
  applyEvent(attempt, { kind: "denied", code: "late", reason: "" }, at);
  applyEvent(attempt, { kind: "finished", state: "succeeded", reason: "" }, at);
  settleAttempt(attempt);
  expect(attempt.assignment.state).toBe("denied");
  expect(attempt.violations).toEqual(["unknown step nope"]);
});

test("a tombstone that asks for another offer contradicts nothing", () => {
  const attempt = newAttempt();
  applyEvent(attempt, { kind: "tombstone", code: "stopping" }, at);
  settleAttempt(attempt);
  expect(attempt.assignment.state).toBe("queued");
  expect(attempt.violations).toEqual([]);
});

test("a run past its timeout that ends cancelled has timed out; one that ended well has not", () => {
  for (const [told, outcome] of [
    ["cancelled", "timed_out"],
    ["succeeded", "succeeded"],
  ] as const) {
    const attempt = newAttempt({ state: "running", timedOutAt: at });
    applyEvent(attempt, { kind: "finished", state: told, reason: "" }, at);
    settleAttempt(attempt);
    expect(attempt.assignment.state).toBe(outcome);
  }
});

test("the host's clock is believed only within what is possible", () => {
  const offered = new Date("2026-11-23T12:00:00Z");
  const now = new Date("2026-11-23T12:10:00Z");
  const of = (text: string) => plausibleTime(Date.parse(text), offered, now).toISOString().slice(11, 16);
  expect(of("2026-11-23T12:05:00Z")).toBe("12:05");
  expect(of("2026-11-22T12:05:00Z")).toBe("12:00");
  expect(of("2026-11-24T12:05:00Z")).toBe("12:10");
});
