import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { type Fault, findCallPoints, runWithFault } from "../testing/inject-faults.ts";
import { seededRandom } from "../testing/seeded-random.ts";
import { whyNotTraceable } from "../testing/trace-files.ts";
import { checkRecovery, toldBy } from "./testing/check-recovery.ts";

const program = fileURLToPath(new URL("./testing/journal-process.ts", import.meta.url));
/** So many of all system calls, others with each seed. */
const sampled = Number(process.env.OC_FAULTS_CALLS ?? 8);
const seed = Number(process.env.OC_FAULTS_SEED ?? 1);

const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "oc-calls-"));
afterAll(() => rmSync(folder, { recursive: true }));

const faults: { fault: Fault; title: string }[] = [
  { fault: "kill", title: "killed at" },
  { fault: "EIO", title: "whose disk fails" },
  { fault: "ENOSPC", title: "whose disk is full at" },
];

for (const { fault, title } of faults)
  test(`a journal ${title} any of its system calls keeps everything it reported, and can go on`, () => {
    expect(whyNotTraceable()).toBeUndefined();
    const first = join(folder, `${fault}-all`);
    const points = findCallPoints(first, [program, first]);
    expect(points.length).toBeGreaterThan(50);
    const random = seededRandom(seed + fault.length);
    const share = Math.min(1, sampled / points.length);
    const failures: string[] = [];
    for (const point of points) {
      if (random() > share) continue;
      const place = join(folder, `${fault}-${point.call}-${point.when}`);
      const lines = runWithFault([program, place], point, fault);
      mkdirSync(place, { recursive: true });
      const problem = checkRecovery(place, toldBy(lines));
      if (problem !== "")
        failures.push(`${point.call} ${point.when}: ${problem}; it said ${lines.slice(-2).join(", ")}`);
      const silent = fault === "EIO" && lines.some((line) => line.startsWith("failed") && !line.includes("poisoned"));
      if (silent) failures.push(`${point.call} ${point.when} failed and the journal went on: ${lines.join(", ")}`);
      rmSync(place, { recursive: true });
    }
    expect(failures).toEqual([]);
  });
