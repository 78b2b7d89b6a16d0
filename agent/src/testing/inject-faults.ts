// Runs a program and lets one of its system calls end it, or fail: strace does both. The fault tests of what must survive
// that call it.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { changingCalls } from "./trace-files.ts";

/** The `when`-th `call` of the program's main thread. */
export interface CallPoint {
  call: string;
  when: number;
}

export type Fault = "kill" | "EIO" | "ENOSPC";

/** Calls that most programs make before they come to our files: only those that name them count. */
const named = new Set(["openat", "mkdir", "unlink", "rename", "link"]);

/** Every call of a run that changes something below `root`. */
export function findCallPoints(root: string, args: readonly string[]): CallPoint[] {
  const folder = mkdtempSync(join(tmpdir(), "oc-calls-"));
  try {
    const output = join(folder, "trace");
    const options = ["-f", "-qq", "--seccomp-bpf", "-s", "300", "-o", output, "-e", `trace=${changingCalls.join(",")}`];
    spawnSync("strace", [...options, process.execPath, ...args]);
    const counts = new Map<string, number>();
    const lines = readFileSync(output, "latin1").split("\n");
    const main = lines[0]!.split(" ")[0]!;
    return lines.flatMap((line): CallPoint[] => {
      const [, pid, call] = /^(\d+)\s+(\w+)\(/.exec(line) ?? [];
      if (pid !== main || call === undefined) return [];
      const when = (counts.get(call) ?? 0) + 1;
      counts.set(call, when);
      return named.has(call) && !line.includes(root) ? [] : [{ call, when }];
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What the program said until it ended, of itself or not. */
export function runWithFault(args: readonly string[], point: CallPoint, fault: Fault): string[] {
  const effect = fault === "kill" ? "signal=SIGKILL" : `error=${fault}`;
  const { call, when } = point;
  const inject = ["-e", `trace=${call}`, "-e", `inject=${call}:${effect}:when=${when}`];
  const options = ["-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", ...inject];
  const run = spawnSync("strace", [...options, process.execPath, ...args], { encoding: "utf8" });
  return run.stdout.split("\n").filter(Boolean);
}
