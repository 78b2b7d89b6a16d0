import { describe, expect, test } from "vitest";
import { elapsedMs, formatCountdown, formatDuration } from "./duration.ts";

describe("formatDuration", () => {
  test.each([
    [0, "0 s"],
    [12, "12 ms"],
    [999.6, "1 s"],
    [1000, "1 s"],
    [4100, "4.1 s"],
    [9949, "9.9 s"],
    [9950, "10 s"],
    [59_499, "59 s"],
    [59_500, "1m 00s"],
    [151_000, "2m 31s"],
    [3_599_600, "1h 00m"],
    [11_100_000, "3h 05m"],
    [352_800_000, "4d 2h"],
  ])("shows %i ms as %s", (ms, text) => expect(formatDuration(ms)).toBe(text));

  test.each([null, undefined, -1, Number.NaN])("shows an unknown length (%s) as a dash", (ms) =>
    expect(formatDuration(ms)).toBe("–"),
  );
});

test("an execution without start has no elapsed time, one without end counts to now", () => {
  expect(elapsedMs(null, null, 5000)).toBeUndefined();
  expect(elapsedMs("1970-01-01T00:00:01Z", null, 5000)).toBe(4000);
  expect(elapsedMs("1970-01-01T00:00:01Z", "1970-01-01T00:00:03Z", 5000)).toBe(2000);
  expect(elapsedMs("1970-01-01T00:00:09Z", null, 5000), "a clock that is ahead shows no negative time").toBe(0);
});

test.each([
  [1_747_000, "29:07"],
  [7_147_000, "1:59:07"],
  [400, "0:01"],
  [-5, "0:00"],
])("counts down %i ms as %s", (ms, text) => expect(formatCountdown(ms)).toBe(text));
