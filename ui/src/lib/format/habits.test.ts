import { afterEach, expect, test } from "vitest";
import { sortRows } from "../ui/table-rows.ts";
import { formatDuration } from "./duration.ts";
import { habits, usableLanguage } from "./habits.svelte.ts";
import { formatBytes, formatNumber, formatShare } from "./number.ts";
import { formatClock, formatHour, formatMinute, formatSecond } from "./time.ts";

const at = Date.parse("2026-11-23T14:04:07Z");
const spaces = (text: string) => text.replace(/\s/g, " ");

afterEach(() => {
  habits.language = undefined;
  habits.clock = undefined;
});

test.each([
  [undefined, undefined, "2026-11-23 14:04", "14:04:07", "14:04"],
  [undefined, "h12", "2026-11-23 02:04 PM", "02:04:07 PM", "02:04 PM"],
  ["de", undefined, "23.11.2026, 14:04", "14:04:07", "14:04"],
  ["en-US", undefined, "11/23/2026, 02:04 PM", "02:04:07 PM", "02:04 PM"],
  ["en-US", "h23", "11/23/2026, 14:04", "14:04:07", "14:04"],
  ["en-GB", "h12", "23/11/2026, 02:04 pm", "02:04:07 pm", "02:04 pm"],
] as const)("%s on the clock %s writes %s", (language, clock, minute, second, hour) => {
  Object.assign(habits, { language, clock });
  expect(spaces(formatMinute(at, "UTC"))).toBe(minute);
  expect(spaces(formatClock(at, "UTC"))).toBe(second);
  expect(spaces(formatHour(at, "UTC"))).toBe(hour);
  expect(spaces(formatSecond(at, "UTC"))).toContain(second);
});

test("numbers, sizes, shares and durations follow the language", () => {
  habits.language = "de";
  expect([formatNumber(1284), formatNumber(0.25, 2)]).toEqual(["1.284", "0,25"]);
  expect([formatBytes(1536), formatShare(9, 1284), formatDuration(4100)]).toEqual(["1,5 KiB", "0,7%", "4,1 s"]);
});

test("whatever the language, years and digits are those that logs and hosts have", () => {
  for (const language of ["th", "fa", "ar-EG"]) {
    habits.language = language;
    expect(formatMinute(at, "UTC"), language).toContain("2026");
    expect(formatNumber(12), language).toBe("12");
  }
});

test("names are in the order of the language, and numbers in them by size", () => {
  const sorted = () => sortRows(["zeta", "ähre", "web-10", "web-9"], (name) => name, "asc");
  expect(sorted()).toEqual(["ähre", "web-9", "web-10", "zeta"]);
  habits.language = "sv";
  expect(sorted()).toEqual(["web-9", "web-10", "zeta", "ähre"]);
});

test("a tag that this browser cannot write by is none", () => {
  expect(["de-AT", "standard", "xx-nowhere", "de_AT", ""].map(usableLanguage)).toEqual([
    "de-AT",
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
