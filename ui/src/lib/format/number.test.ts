import { expect, test } from "vitest";
import { formatBytes, formatNumber, formatShare, toPercent } from "./number.ts";

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1 KiB"],
  [1536, "1.5 KiB"],
  [134_217_728, "128 MiB"],
  [1_048_575, "1 MiB"],
  [5_368_709_120, "5 GiB"],
  [-1, "–"],
])("shows %i bytes as %s", (bytes, text) => expect(formatBytes(bytes)).toBe(text));

test("groups thousands", () => expect(formatNumber(1284)).toBe("1,284"));

test("a share outside of 0 to 1 stays a percentage", () => {
  expect(toPercent(1.2)).toBe(100);
  expect(toPercent(-0.1)).toBe(0);
  expect(toPercent(Number.NaN)).toBe(0);
  expect(toPercent(0.374)).toBe(37);
});

test.each([
  [0, 100, "0%"],
  [9, 1284, "0.7%"],
  [1, 100_000, "<0.1%"],
  [99_999, 100_000, ">99.9%"],
  [50, 100, "50%"],
  [100, 100, "100%"],
  [0, 0, "0%"],
])("shows %i of %i as %s", (part, whole, text) => expect(formatShare(part, whole)).toBe(text));
