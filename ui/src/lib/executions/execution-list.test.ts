import { describe, expect, it } from "vitest";
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
  it("is what came to an end of its work: targets that were never begun are counted by themselves", () => {
    const counts = { succeeded: 77, failed: 4, skipped: 119, running: 1 };
    expect(progressOf({ counts })).toEqual({ done: 81, bad: 4, skipped: 119 });
  });
});
