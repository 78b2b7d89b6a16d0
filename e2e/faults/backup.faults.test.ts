// A small run in every `npm test`; the full one is `npm run faults -- backup --times 20`.
import { expect, test } from "vitest";
import { runBackup } from "./backup.ts";

test("a restored database starts nothing twice, waits for a person, and hears again what agents kept", async () => {
  const report = await runBackup({ seed: "smoke", times: 2 });
  expect(report.violations).toEqual([]);
  expect(report.figures.executions).toBe(12);
  expect(report.figures["whose outcome was told"]).toBeGreaterThanOrEqual(6);
});
