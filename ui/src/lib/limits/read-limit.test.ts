import { expect, test } from "vitest";
import { readLimit } from "./read-limit.ts";

test("nothing written is no limit, and only whole numbers in range are one", () => {
  expect([" ", "1", " 64 ", "100"].map((text) => readLimit(text, 100))).toEqual([null, 1, 64, 100]);
  for (const text of ["0", "101", "-1", "1.5", "x", "1e2", "9".repeat(30)])
    expect(readLimit(text, 100)).toBe(undefined);
});
