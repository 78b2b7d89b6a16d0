import { describe, expect, it } from "vitest";
import { describeBad } from "./execution-list.ts";

describe("what did not succeed", () => {
  it("is told by its own words: what is lost is not merely failed", () => {
    expect(describeBad({ counts: { succeeded: 5, failed: 2, lost: 1, running: 3 } })).toBe("2 failed · 1 lost");
  });

  it("is nothing when all is well", () => {
    expect(describeBad({ counts: { succeeded: 5, running: 3, failed: 0 } })).toBe("");
  });
});
