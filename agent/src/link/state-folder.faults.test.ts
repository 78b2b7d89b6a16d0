import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { killed, rebuildDisk, type Survives } from "../testing/power-failure.ts";
import { seededRandom } from "../testing/seeded-random.ts";
import { type DiskOperation, traceFiles, whyNotTraceable } from "../testing/trace-files.ts";
import { MarkKeeper } from "./mark-keeper.ts";
import { StateFolder } from "./state-folder.ts";

const program = fileURLToPath(new URL("./testing/state-process.ts", import.meta.url));
const seed = Number(process.env.OC_FAULTS_SEED ?? 1);
const disksPerMoment = Number(process.env.OC_FAULTS_DISKS ?? 3);
const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "oc-state-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("identity, keys, certificates and mark are whole after a power failure at any moment, and as new as was reported", () => {
  expect(whyNotTraceable()).toBeUndefined();
  const root = join(folder, "traced");
  mkdirSync(root);
  const operations = traceFiles(root, [program, root]);
  const failures: string[] = [];
  let disks = 0;
  for (let at = 0; at <= operations.length; at++)
    for (const [name, survives] of casesOf(at)) {
      const problem = judge(operations.slice(0, at), root, survives);
      disks += 1;
      if (problem !== "") failures.push(`after operation ${at}, ${name}: ${problem}`);
    }
  expect(failures.slice(0, 5)).toEqual([]);
  expect(disks).toBeGreaterThan(200);
});

function casesOf(at: number): [string, Survives][] {
  const random = Array.from({ length: disksPerMoment }, (_, i): [string, Survives] => {
    const draw = seededRandom(seed * 1_000_003 + at * 101 + i);
    return [`any part kept (seed ${seed}, ${i})`, () => draw() < 0.5];
  });
  return [["killed", killed], ["nothing kept", () => false], ...random];
}

function judge(operations: readonly DiskOperation[], root: string, survives: Survives): string {
  const disk = join(folder, "disk");
  mkdirSync(disk);
  try {
    rebuildDisk(operations, root, disk, survives);
    const lines = operations.flatMap((op) => (op.kind === "said" ? [op.line] : []));
    const found = readState(join(disk, "agent"));
    for (const what of ["keys", "identity", "authorities", "current", "next", "mark"]) {
      const values = lines.filter((line) => line.split(" ")[1] === what);
      const durable = values.filter((line) => line.startsWith("durable")).at(-1);
      const begun = values.at(-1);
      const allowed = [durable, begun].map((line) => line?.split(" ")[2] ?? (line === undefined ? "none" : "there"));
      // "next" becomes "current" in one step: it may be gone from there as soon as that has begun.
      if (what === "next" && lines.some((line) => line === "begin current 2")) allowed.push("none");
      if (!allowed.includes(found[what]!)) return `${what} is ${found[what]} and not ${allowed.join(" or ")}`;
    }
    return "";
  } catch (error) {
    return `it cannot be read: ${(error as Error).message}`;
  } finally {
    rmSync(disk, { recursive: true });
  }
}

/** Each by what tells its versions apart. */
function readState(path: string): Record<string, string> {
  const state = new StateFolder(path);
  return {
    keys: state.keys() === undefined ? "none" : "there",
    identity: state.identity()?.agentName ?? "none",
    authorities: state.authorities()?.split(" ")[1] ?? "none",
    current: state.certificate("current")?.serial ?? "none",
    next: state.certificate("next")?.serial ?? "none",
    mark: String(new MarkKeeper(state.file("mark.json")).highest?.generation ?? "none"),
  };
}
