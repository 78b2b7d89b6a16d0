import fc from "fast-check";
import { expect, test } from "vitest";
import { formatDuration, parseDuration } from "./duration.ts";

test.each([
  ["90s", 90_000],
  ["15m", 900_000],
  ["6h", 21_600_000],
  ["2d", 172_800_000],
  ["1h30m", 5_400_000],
  ["500ms", 500],
  ["1m500ms", 60_500],
  ["0s", 0],
])("%s is %i ms", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(["", "5", "5 m", "-5m", "1.5h", "5min", "30m1h", "5M", "1m1m", "99999999999999999d", "5m\n"])(
  "%j is no duration",
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

test("every duration is read back from its text", () => {
  const ms = fc.integer({ min: 0, max: 10 * 365 * 86_400_000 });
  fc.assert(fc.property(ms, (value) => parseDuration(formatDuration(value)) === value));
});
