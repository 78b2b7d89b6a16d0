import { expect, test } from "vitest";
import { TokenBuckets } from "./token-buckets.ts";

test("a burst passes, then the rate, each caller by itself", () => {
  let now = 0;
  const buckets = new TokenBuckets({ perSecond: 2, burst: 3 }, () => now);
  const passed = (key: string) => buckets.take(key) === 0;
  expect([1, 2, 3, 4].map(() => passed("a"))).toEqual([true, true, true, false]);
  expect(passed("b")).toBe(true);
  now = 500;
  expect([passed("a"), passed("a")]).toEqual([true, false]);
  now = 60_000;
  expect([1, 2, 3, 4].map(() => passed("a"))).toEqual([true, true, true, false]);
});

test("who has to wait hears how long, and waiting that long is enough", () => {
  let now = 0;
  const buckets = new TokenBuckets({ perSecond: 0.1, burst: 1 }, () => now);
  expect(buckets.take("a")).toBe(0);
  expect(buckets.take("a")).toBe(10);
  now = 4_000;
  expect(buckets.take("a")).toBe(6);
  now = 10_000;
  expect(buckets.take("a")).toBe(0);
});

test("a flood of callers forgets the quiet ones and keeps the busy ones", () => {
  const buckets = new TokenBuckets({ perSecond: 1, burst: 1 }, () => 0);
  buckets.take("quiet");
  buckets.take("busy");
  for (let n = 0; n < 60_000; n++) {
    buckets.take(`flood-${n}`);
    if (n % 10_000 === 0) expect(buckets.take("busy")).toBeGreaterThan(0);
  }
  expect(buckets.take("quiet")).toBe(0);
});
