import { expect, test } from "vitest";
import { RefusalLimit } from "./refusal-limit.ts";

test("the first refusals of a caller are written, then one in ten seconds, which says how many were left out", () => {
  let now = 0;
  const limit = new RefusalLimit(() => now);
  const answers = Array.from({ length: 25 }, () => limit.admit("a"));
  expect(answers).toEqual([...Array(20).fill(0), ...Array(5).fill(undefined)]);
  expect(limit.admit("b")).toBe(0);
  now = 10_000;
  expect([limit.admit("a"), limit.admit("a")]).toEqual([5, undefined]);
  now = 20_000;
  expect(limit.admit("a")).toBe(1);
});

test("many callers together are held to a rate too, and the next of each says what it left out", () => {
  let now = 0;
  const limit = new RefusalLimit(() => now);
  const written = Array.from({ length: 2_000 }, (_, n) => limit.admit(`caller-${n}`)).filter((n) => n !== undefined);
  expect(written).toHaveLength(500);
  expect(limit.admit("caller-1999")).toBeUndefined();
  now = 1_000;
  expect(limit.admit("caller-1999")).toBe(2);
});
