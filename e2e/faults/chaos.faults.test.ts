// A small chaos run in every `npm test`; the full one is `npm run chaos -- --kills 1000`.
import { expect, test } from "vitest";
import { runChaos } from "./chaos.ts";

test("kills under load lose nothing, start nothing twice and change no byte", async () => {
  const report = await runChaos({ seed: "smoke", kills: 10, steps: 60 });
  expect(report.violations).toEqual([]);
  expect(report.figures.kills).toBeGreaterThanOrEqual(5); // a victim may be gone when its moment has come
});
