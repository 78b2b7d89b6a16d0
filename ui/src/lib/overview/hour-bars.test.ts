import { expect, test } from "vitest";
import { hourBars, niceCeiling } from "./hour-bars.ts";

test.each([
  [0, 2],
  [2, 2],
  [3, 4],
  [9, 10],
  [54, 60],
  [61, 80],
  [1284, 2000],
])("an axis for %i ends at %i, and its middle is whole", (value, ceiling) => {
  expect(niceCeiling(value)).toBe(ceiling);
  expect(Number.isInteger(niceCeiling(value) / 2)).toBe(true);
});

test("one failure among a thousand is still seen", () => {
  const { bars } = hourBars([{ at: "", succeeded: 1000, failed: 1, other: 0 }], 100, 150);
  expect(bars[0]?.parts.find((part) => part.kind === "failed")?.height).toBe(2);
});

test("an empty day has no bars and an axis", () => {
  const { bars, max } = hourBars([{ at: "", succeeded: 0, failed: 0, other: 0 }], 100, 150);
  expect(bars[0]?.parts).toEqual([]);
  expect(max).toBe(2);
});
