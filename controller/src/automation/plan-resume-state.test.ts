import { expect, test } from "vitest";
import { type HeldAttempt, type KnownAttempt, planResume } from "./plan-resume-state.ts";

const epoch = 5n;
const known = (id: string, changes: Partial<KnownAttempt> = {}): KnownAttempt => ({
  ...{ id, fence: 1n, state: "running", desired: "run", lastSeq: 3n, offeredEpoch: 4n, settled: false, ...changes },
});
const held = (assignmentId: string, changes: Partial<HeldAttempt> = {}): HeldAttempt => ({
  ...{ assignmentId, fence: 1n, lastSeq: 3n, ...changes },
});
function plan(agent: HeldAttempt[], rows: KnownAttempt[]) {
  const { offerAgain, lost, acknowledge, desire, forget } = planResume(agent, rows, epoch);
  const ids = (list: KnownAttempt[]) => list.map((k) => k.id);
  return {
    ...{ offerAgain: ids(offerAgain), lost: ids(lost), acknowledge: ids(acknowledge), desire: ids(desire) },
    forget: forget.map((h) => h.assignmentId),
  };
}
const nothing = { offerAgain: [], lost: [], acknowledge: [], desire: [], forget: [] };

test("what both sides have goes on: acknowledged up to what is stored, and told what is wanted", () => {
  expect(plan([held("a")], [known("a")])).toEqual({ ...nothing, acknowledge: ["a"], desire: ["a"] });
  const unheard = known("a", { lastSeq: 0n, state: "offered" });
  expect(plan([held("a")], [unheard])).toEqual({ ...nothing, acknowledge: ["a"], desire: ["a"] });
});

test("an offer that the agent does not name is sent again, with the wish to cancel before it", () => {
  expect(plan([], [known("a", { state: "offered" })])).toEqual({ ...nothing, offerAgain: ["a"] });
  const cancelled = known("a", { state: "offered", desired: "cancel" });
  expect(plan([], [cancelled])).toEqual({ ...nothing, offerAgain: ["a"], desire: ["a"] });
});

test("what was accepted and is held no more is lost, unless this stream has just offered it", () => {
  expect(plan([], [known("a")])).toEqual({ ...nothing, lost: ["a"] });
  expect(plan([], [known("a", { state: "accepted" })])).toEqual({ ...nothing, lost: ["a"] });
  expect(plan([], [known("a", { offeredEpoch: epoch })])).toEqual(nothing);
});

test("what is settled is forgotten, unless the agent has more to tell", () => {
  const done = known("a", { state: "succeeded", settled: true });
  expect(plan([held("a")], [done])).toEqual({ ...nothing, acknowledge: ["a"], forget: ["a"] });
  expect(plan([held("a", { lastSeq: 4n })], [done])).toEqual({ ...nothing, acknowledge: ["a"] });
  const lost = known("a", { state: "lost", settled: false });
  expect(plan([held("a")], [lost])).toEqual({ ...nothing, acknowledge: ["a"] });
});

test("an attempt with another fence, or of no row, is forgotten", () => {
  expect(plan([held("a", { fence: 9n })], [known("a", { state: "succeeded" })])).toEqual({ ...nothing, forget: ["a"] });
  expect(plan([held("b")], [])).toEqual({ ...nothing, forget: ["b"] });
});
