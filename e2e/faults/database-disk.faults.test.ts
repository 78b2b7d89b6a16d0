// Once in every `npm test` of root; more with `npm run faults -- disk --where database --times 20`.
import { expect, test } from "vitest";
import { runDatabaseDisk } from "./database-disk.ts";

const mayMount = process.platform === "linux" && process.getuid?.() === 0;

test.runIf(mayMount)(
  "a database whose disk is full is named, loses nothing and goes on when there is space",
  async () => {
    const report = await runDatabaseDisk({ seed: "smoke", times: 1 });
    expect(report.violations).toEqual([]);
  },
);
