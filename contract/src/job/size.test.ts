import fc from "fast-check";
import { expect, test } from "vitest";
import { formatSize, parseSize } from "./size.ts";

test.each([
  ["100B", 100],
  ["512KiB", 524_288],
  ["10MiB", 10_485_760],
  ["1GiB", 1_073_741_824],
])("%s is %i bytes", (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each(["", "10", "10MB", "10 MiB", "1.5GiB", "-1KiB", "99999999999999999GiB"])("%j is no size", (text) => {
  expect(parseSize(text)).toBeUndefined();
});

test("every size is read back from its text", () => {
  const bytes = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
  fc.assert(fc.property(bytes, (value) => parseSize(formatSize(value)) === value));
});
