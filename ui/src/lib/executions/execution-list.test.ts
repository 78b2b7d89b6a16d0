import { describe, expect, it } from "vitest";
import { m } from "../messages/m.ts";
import { describeBad, progressOf } from "./execution-list.ts";

describe("what did not succeed", () => {
  it("is told by its own words: what is lost is not merely failed", () => {
    expect(describeBad({ counts: { succeeded: 5, failed: 2, lost: 1, running: 3 } })).toBe("2 failed · 1 lost");
  });

  it("is nothing when all is well", () => {
    expect(describeBad({ counts: { succeeded: 5, running: 3, failed: 0 } })).toBe("");
  });
});

describe("what is done", () => {
  it("says targets only of targets: those of a workflow have an assignment in every stage", () => {
    expect(m.executions.ofTargets(7, 10, 5)).toBe("7 of 10 assignments on 5 targets");
    expect(m.executions.ofTargets(4, 5, 5)).toBe("4 of 5 targets");
    expect(m.executions.doneOf(7, 10, 5)).toBe("7 / 10 on 5");
  });

  it("is what came to an end of its work: targets that were never begun are counted by themselves", () => {
    const counts = { succeeded: 77, failed: 4, skipped: 119, running: 1 };
    expect(progressOf({ counts })).toEqual({ total: 201, done: 81, bad: 4, skipped: 119 });
  });
});
