// A small run in every `npm test`; the full one is `npm run faults -- ambiguous --commits 10000`.
import { expect, test } from "vitest";
import { runAmbiguous } from "./ambiguous.ts";

test("commits whose answers are lost lose nothing, do nothing twice, and clients are told the truth", async () => {
  const report = await runAmbiguous({ seed: "smoke", commits: 500 });
  expect(report.violations).toEqual([]);
  expect(Number(report.figures["cut after"])).toBeGreaterThan(15);
  expect(Number(report.figures["cut before"])).toBeGreaterThan(5);
});
