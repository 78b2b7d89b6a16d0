import { describe, expect, test } from "vitest";
import { formatClock, formatMinute, formatRelative, formatSecond, formatWithOffset, tickMsFor } from "./time.ts";

const words = { now: "now", ago: (amount: string) => `${amount} ago`, ahead: (amount: string) => `in ${amount}` };
const at = Date.parse("2026-11-23T02:14:07Z");
const second = 1000;
const hour = 3_600_000;

describe("relative times", () => {
  test.each([
    [0, "now"],
    [1999, "now"],
    [-1999, "now"],
    [3 * second, "3s ago"],
    [59_999, "59s ago"],
    [4 * 60 * second, "4m ago"],
    [59 * 60 * second, "59m ago"],
    [23 * hour, "23h ago"],
    [-19 * 60 * second, "in 19m"],
  ])("%i ms later it reads %s", (distance, text) => expect(formatRelative(at, at + distance, "UTC", words)).toBe(text));

  test("from 24 hours on the date is shown, before and after", () => {
    expect(formatRelative(at, at + 24 * hour, "UTC", words)).toBe("2026-11-23 02:14");
    expect(formatRelative(at, at - 24 * hour, "UTC", words)).toBe("2026-11-23 02:14");
  });

  test("seconds tick each second, older times every half minute", () => {
    expect(tickMsFor(at, at + 59_000)).toBe(second);
    expect(tickMsFor(at, at + 61_000)).toBe(30 * second);
  });
});

describe("zones", () => {
  test("midnight is 00, not 24", () =>
    expect(formatSecond(Date.parse("2026-01-01T00:00:00Z"), "UTC")).toBe("2026-01-01 00:00:00"));

  test("an offset of 45 minutes is right (Chatham Islands)", () => {
    expect(formatMinute(at, "Pacific/Chatham")).toBe("2026-11-23 15:59");
    expect(formatWithOffset(at, "Pacific/Chatham")).toBe("2026-11-23 15:59:07 (GMT+13:45)");
  });

  test("the hour that comes twice in autumn is told apart by its offset", () => {
    const first = Date.parse("2026-10-25T00:30:00Z");
    expect(formatWithOffset(first, "Europe/Berlin")).toBe("2026-10-25 02:30:00 (GMT+2)");
    expect(formatWithOffset(first + hour, "Europe/Berlin")).toBe("2026-10-25 02:30:00 (GMT+1)");
  });

  test("the hour that does not exist in spring is skipped", () => {
    const before = Date.parse("2026-03-29T00:59:59Z");
    expect(formatClock(before, "Europe/Berlin")).toBe("01:59:59");
    expect(formatClock(before + second, "Europe/Berlin")).toBe("03:00:00");
  });
});
