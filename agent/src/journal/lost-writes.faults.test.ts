import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { killed, rebuildDisk, type Survives } from "../testing/power-failure.ts";
import { seededRandom } from "../testing/seeded-random.ts";
import { type DiskOperation, traceFiles, whyNotTraceable } from "../testing/trace-files.ts";
import { checkRecovery, toldBy } from "./testing/check-recovery.ts";

const program = fileURLToPath(new URL("./testing/journal-process.ts", import.meta.url));
const seed = Number(process.env.OC_FAULTS_SEED ?? 1);
const disksPerMoment = Number(process.env.OC_FAULTS_DISKS ?? 1);

// In memory where that is possible: the moments are rebuilt from the trace, the disk below plays no part.
const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "oc-journal-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("after a kill at any system call, and after a power failure there, everything reported durable is there", () => {
  expect(whyNotTraceable()).toBeUndefined();
  const root = join(folder, "traced");
  mkdirSync(root);
  const operations = traceFiles(root, [program, join(root, "host")]);
  const failures: string[] = [];
  let disks = 0;
  for (let at = 0; at <= operations.length; at++) {
    const before = operations.slice(0, at);
    for (const [name, survives] of casesOf(at)) {
      const problem = judge(before, root, survives);
      disks += 1;
      if (problem !== "") failures.push(`after operation ${at} (${describe(operations[at - 1])}), ${name}: ${problem}`);
    }
  }
  expect(failures.slice(0, 5)).toEqual([]);
  expect(disks).toBeGreaterThan(500);
});

/** The program killed; then power failures that keep nothing, and any part, of what was not synced. */
function casesOf(at: number): [string, Survives][] {
  const random = Array.from({ length: disksPerMoment }, (_, i): [string, Survives] => {
    const draw = seededRandom(seed * 1_000_003 + at * 101 + i);
    const share = [0.5, 0.1, 0.9][(at + i) % 3]!;
    return [`any part kept (seed ${seed}, ${i})`, () => draw() < share];
  });
  return [["killed", killed], ["nothing kept", () => false], ...random];
}

function judge(operations: readonly DiskOperation[], root: string, survives: Survives): string {
  const disk = join(folder, "disk");
  mkdirSync(disk);
  try {
    rebuildDisk(operations, root, disk, survives);
    const lines = operations.flatMap((op) => (op.kind === "said" ? [op.line] : []));
    mkdirSync(join(disk, "host"), { recursive: true });
    return checkRecovery(join(disk, "host"), toldBy(lines));
  } finally {
    rmSync(disk, { recursive: true });
  }
}

function describe(operation: DiskOperation | undefined): string {
  if (operation === undefined) return "none";
  return operation.kind === "write"
    ? `write of ${operation.data.length} bytes to file ${operation.file} at ${operation.offset}`
    : JSON.stringify(operation);
}
