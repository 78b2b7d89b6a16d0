// A few jumps of the agents' clocks in every `npm test`; more with `npm run faults -- clock --times 100`.
import { expect, test } from "vitest";
import { runClock } from "./clock.ts";
import { whyNoFakeClock } from "./fake-clock.ts";

const why = whyNoFakeClock();
const skipped = why === undefined ? "" : ` (skipped: ${why})`;

test.skipIf(why !== undefined)(
  `clocks that are a day wrong make no wrong timeout and are told of${skipped}`,
  async () => {
    const report = await runClock({ seed: "smoke", times: 10, agents: 2 });
    expect(report.violations).toEqual([]);
    expect(report.figures.tries).toBeGreaterThan(0);
  },
);
