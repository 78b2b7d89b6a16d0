// A small pause run in every `npm test`; the full one is `npm run faults -- pause --times 200`.
import { expect, test } from "vitest";
import { runPause } from "./pause.ts";

test("whoever was stopped while another took over writes nothing when it goes on", async () => {
  const report = await runPause({ seed: "smoke", times: 20, agents: 4, longEvery: 0 });
  expect(report.violations).toEqual([]);
  expect(report.figures.pauses).toBe(20);
  expect(report.figures["sessions taken over while their holder was paused"]).toBeGreaterThan(0);
  expect(report.figures["streams delivered after a newer one"]).toBeGreaterThan(0);
});
