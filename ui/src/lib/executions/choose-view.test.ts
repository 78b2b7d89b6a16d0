import { describe, expect, it } from "vitest";
import type { Assignment } from "../api/types.ts";
import {
  byAttention,
  chooseStep,
  chooseTarget,
  countStates,
  isLeft,
  isWorkflow,
  shareOf,
  stateShares,
  summariseStep,
} from "./choose-view.ts";

const target = (targetName: string, state: string, unreachable = false) =>
  ({ id: targetName, targetName, state, unreachable }) as unknown as Assignment;

describe("the target to look at", () => {
  it("is the first that failed, else unreachable, running, waiting, and by name within these", () => {
    const all = [
      target("web-10", "succeeded"),
      target("web-9", "running"),
      target("web-3", "queued"),
      target("web-2", "running", true),
      target("web-11", "lost"),
      target("web-1", "failed"),
    ];
    expect(all.toSorted(byAttention).map((one) => one.targetName)).toEqual([
      "web-1",
      "web-11",
      "web-2",
      "web-9",
      "web-3",
      "web-10",
    ]);
    expect(chooseTarget(all)?.targetName).toBe("web-1");
    expect(chooseTarget([])).toBeUndefined();
  });
});

describe("what an execution leaves to be gone on with", () => {
  it("is all that ended without success, also what never began", () => {
    const states = ["failed", "lost", "skipped", "cancelled", "succeeded", "running", "queued"] as const;
    expect(states.filter(isLeft)).toEqual(["failed", "lost", "skipped", "cancelled"]);
  });
  it("is decided by its stages in a workflow, also in one with a single stage", () => {
    expect(isWorkflow({ stages: [{ id: "main" }] })).toBe(false);
    expect(isWorkflow({ stages: [{ id: "build" }] })).toBe(true);
    expect(isWorkflow({ stages: [{ id: "main" }, { id: "build" }] })).toBe(true);
  });
});

describe("what a step says of many targets", () => {
  const told = (...states: Parameters<typeof summariseStep>[0]) => shareOf(summariseStep(states));
  it("is how many are as its state says, never the number of another state", () => {
    expect(told("failed", "failed", "failed", "failed")).toEqual({ state: "failed", count: 4 });
    expect(told("succeeded", "succeeded", "failed", "running")).toEqual({ state: "failed", count: 1 });
    expect(told("succeeded", "succeeded")).toEqual({ state: "succeeded", count: 2 });
    expect(told("skipped", "skipped")).toEqual({ state: "skipped", count: 2 });
  });
  it("is how many are done while it goes on", () => {
    expect(told("succeeded", "running", "pending")).toEqual({ count: 1 });
    expect(told("skipped", "succeeded", "pending")).toEqual({ count: 2 });
    expect(told("pending", "pending")).toEqual({ count: 0 });
  });
});

describe("the step to look at", () => {
  it("is the one that failed, else the one that runs, else the last that did anything", () => {
    expect(chooseStep(["succeeded", "failed", "running", "pending"])).toBe(1);
    expect(chooseStep(["succeeded", "running", "pending"])).toBe(1);
    expect(chooseStep(["succeeded", "succeeded", "skipped", "pending"])).toBe(1);
    expect(chooseStep(["pending", "pending"])).toBe(0);
    expect(chooseStep([])).toBe(0);
  });
});

describe("one step over all targets", () => {
  it("shows the worst, and running while some have not begun", () => {
    expect(summariseStep(["succeeded", "failed", "running"])).toMatchObject({ state: "failed" });
    expect(summariseStep(["succeeded", "pending"])).toEqual({ state: "running", counts: { succeeded: 1, pending: 1 } });
    expect(summariseStep(["pending", "pending"]).state).toBe("pending");
    expect(summariseStep(["succeeded", "succeeded"]).state).toBe("succeeded");
    expect(summariseStep([]).state).toBe("pending");
  });

  it("is shown as shares that leave out what has not begun", () => {
    expect(stateShares({ succeeded: 3, failed: 1, pending: 4 }, 8)).toEqual([
      { state: "succeeded", fraction: 0.375 },
      { state: "failed", fraction: 0.125 },
    ]);
    expect(stateShares({}, 0)).toEqual([]);
  });
});

describe("the counts of the matrix", () => {
  it("tell unreachable targets apart and begin with what needs a look", () => {
    const counts = countStates([
      target("a", "succeeded"),
      target("b", "running", true),
      target("c", "failed"),
      target("d", "succeeded"),
    ]);
    expect(counts).toEqual([
      { state: "failed", count: 1 },
      { state: "unreachable", count: 1 },
      { state: "succeeded", count: 2 },
    ]);
  });
});
