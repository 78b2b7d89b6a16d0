import { expect, test } from "vitest";
import { parseSize } from "./size.ts";

test.each([
  ["0B", 0],
  ["100B", 100],
  ["9007199254740991B", Number.MAX_SAFE_INTEGER],
  ["512KiB", 524_288],
  ["10MiB", 10_485_760],
  ["1GiB", 1_073_741_824],
])("%s is %i bytes", (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each(["", "10", "10MB", "10 MiB", "1.5GiB", "-1KiB", "9007199254740992B", "99999999999999999GiB"])(
  "%j is no size",
  (text) => {
    expect(parseSize(text)).toBeUndefined();
  },
);
