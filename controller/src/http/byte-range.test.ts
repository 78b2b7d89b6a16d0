import { expect, test } from "vitest";
import { parseByteRange } from "./byte-range.ts";

test.each([
  ["bytes=0-4", { from: 0n, to: 5n }],
  ["bytes=5-", { from: 5n, to: 10n }],
  ["bytes=-3", { from: 7n, to: 10n }],
  ["bytes=-30", { from: 0n, to: 10n }],
  ["bytes=8-99", { from: 8n, to: 10n }],
  [`bytes=8-${"9".repeat(25)}`, { from: 8n, to: 10n }],
  ["BYTES=0-4", { from: 0n, to: 5n }],
  ["bytes=10-", "unsatisfiable"],
  ["bytes=-0", "unsatisfiable"],
  ["bytes=4-2", undefined],
  ["bytes=0-1,3-4", undefined],
  ["bytes=-", undefined],
  ["lines=0-4", undefined],
  [undefined, undefined],
])("%s of ten bytes", (header, range) => {
  expect(parseByteRange(header, 10n)).toEqual(range);
});

test("nothing is left of an empty file", () => {
  expect(parseByteRange("bytes=0-", 0n)).toBe("unsatisfiable");
  expect(parseByteRange("bytes=-5", 0n)).toBe("unsatisfiable");
});
