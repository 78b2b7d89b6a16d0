import { expect, test } from "vitest";
import { usableZone } from "../format/habits.svelte.ts";
import { formatMinute, formatWithOffset } from "../format/time.ts";
import { zoneOptions } from "./zones.ts";

test("all zones are offered in the order of their names, with the chosen one and without the two that have words", () => {
  const values = zoneOptions("Europe/Kyiv").map(({ value }) => value);
  expect(values.length).toBeGreaterThan(300);
  expect(values).toEqual([...values].sort());
  expect(values).toEqual(expect.arrayContaining(["Europe/Vienna", "America/New_York", "Europe/Kyiv"]));
  for (const own of ["local", "utc"]) expect(zoneOptions(own).map(({ value }) => value)).not.toContain(own);
  expect(zoneOptions("UTC").map(({ value }) => value)).toContain("UTC"); // as the API may have set it
  expect(zoneOptions("local")).toContainEqual({ value: "America/New_York", label: "America/New York" });
});

test("times are written in the chosen zone, with its summer time, and in the browser's where it does not know the name", () => {
  const [winter, summer] = [Date.parse("2026-01-23T14:04:07Z"), Date.parse("2026-07-23T14:04:07Z")];
  const zone = usableZone("America/New_York");
  expect([formatMinute(winter, zone), formatMinute(summer, zone)]).toEqual(["2026-01-23 09:04", "2026-07-23 10:04"]);
  expect(formatWithOffset(summer, zone)).toBe("2026-07-23 10:04:07 (GMT-4)");
  expect(usableZone("utc")).toBe("UTC");
  for (const name of ["local", "Mars/Olympus"]) expect(usableZone(name)).toBeUndefined();
});
