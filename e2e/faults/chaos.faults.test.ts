// A small chaos run in every `npm test`; the full one is `npm run chaos -- --kills 1000`.
import { expect, test } from "vitest";
import { runChaos } from "./chaos.ts";

test("sixty kills under load lose nothing, start nothing twice and change no byte", async () => {
  const report = await runChaos({ seed: "smoke", kills: 60, steps: 200, mostAhead: 30, flows: 10 });
  expect(report.violations).toEqual([]);
  expect(report.figures.kills).toBeGreaterThanOrEqual(60);
  expect(report.figures.tries).toBeGreaterThan(100);
  for (const some of ["batches that ran", "decisions of people", "turns taken", "stages repeated for an item"])
    expect(report.figures[some], some).toBeGreaterThan(0);
}, 900_000); // two minutes where nothing else runs
