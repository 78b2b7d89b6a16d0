// A small partition run in every `npm test`; the full one is `npm run faults -- partition --times 500`.
import { expect, test } from "vitest";
import { runPartition } from "./partition.ts";
import { whyNoNetwork } from "./test-network.ts";

const why = whyNoNetwork();

test.skipIf(why !== undefined)(
  `hosts that are cut off lose nothing and come back${why ? ` (skipped: ${why})` : ""}`,
  async () => {
    const report = await runPartition({ seed: "smoke", times: 20, hosts: 5, long: 1, mostMs: 6_000 });
    expect(report.violations).toEqual([]);
    expect(report.figures.partitions).toBe(20);
    expect(report.figures["outlasted the controller's patience"]).toBe(1);
  },
);
