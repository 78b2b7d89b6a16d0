// A small run of cancel races in every `npm test`; the full one is `npm run faults -- cancel --times 1000`.
import { expect, test } from "vitest";
import { runCancel } from "./cancel.ts";

test("a cancel that races with the end leaves one outcome, and nothing that runs", async () => {
  const report = await runCancel({ seed: "smoke", times: 60, agents: 3 });
  expect(report.violations).toEqual([]);
  expect(report.figures["cancel came first"]).toBeGreaterThan(0);
  expect(report.figures["the end came first"]).toBeGreaterThan(0);
});
