import { expect, test } from "vitest";
import { RateLimit } from "./rate-limit.ts";

test("a burst passes, then one call each period", () => {
  const limit = new RateLimit({ burst: 3, perSecond: 1 });
  expect([0, 0, 0, 0].map((t) => limit.take("192.0.2.1", t))).toEqual([true, true, true, false]);
  expect(limit.take("192.0.2.1", 900)).toBe(false);
  expect(limit.take("192.0.2.1", 2000)).toBe(true);
});

test("another address has its own bucket, another address of the same /64 has not", () => {
  const limit = new RateLimit({ burst: 1, perSecond: 1 });
  expect(limit.take("192.0.2.1", 0)).toBe(true);
  expect(limit.take("192.0.2.2", 0)).toBe(true);
  expect(limit.take("2001:db8:1:2:a::1", 0)).toBe(true);
  expect(limit.take("2001:db8:1:2:b::1", 0)).toBe(false);
});
