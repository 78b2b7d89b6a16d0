// Small runs of what a host must survive in every `npm test`; the full ones are `npm run faults -- adopt | disk | poison |
// pressure`. One stack for the last three.
import { expect, test } from "vitest";
import { runAdopt } from "./adopt.ts";
import { fillAgain, withSmallDisk } from "./host-disk.ts";
import { poisonAgain } from "./poison.ts";
import { applyPressure } from "./pressure.ts";

test("steps are adopted by the next agent: the same process, its true exit code, every byte", async () => {
  const report = await runAdopt({ seed: "smoke", kills: 2, agents: 2, longSeconds: 4 });
  expect(report.violations).toEqual([]);
  expect(report.figures["steps adopted"]).toBeGreaterThan(0);
});

test("a full disk, a disk that fails and a flood of output cost a host no outcome and no byte unseen", async () => {
  const delay = { ms: 100 };
  await withSmallDisk({ restartDelayMs: () => delay.ms }, async (faults) => {
    const full = await fillAgain(faults, { seed: "smoke", times: 1 });
    expect(full.violations).toEqual([]);
    const flood = await applyPressure(faults, delay, { seed: "smoke", bytes: 60e6, awayMs: 3000 });
    expect(flood.violations).toEqual([]);
    const poisoned = await poisonAgain(faults, { seed: "smoke", times: 1 });
    expect(poisoned.violations).toEqual([]);
    expect(poisoned.figures["agents ended with exit code 74"]).toBe(1);
  });
});
