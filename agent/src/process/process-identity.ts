// Which boot this is and whether a recorded process is still that very process. Adoption and kill depend on it.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { ClaimRecord } from "./try-records.ts";

export interface ProcessStat {
  pid: number;
  state: string;
  group: number;
  session: number;
  startTime: string;
}

export function readBootId(): string {
  if (process.platform === "linux") return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  // macOS: the second the kernel started; stable within a boot.
  const text = execFileSync("sysctl", ["-n", "kern.boottime"], { encoding: "utf8" });
  return /sec = (\d+)/.exec(text)?.[1] ?? text.trim();
}

/** Undefined: no such process, or a platform without /proc. */
export function readProcessStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return undefined; // gone between two looks, which is an answer
  }
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return {
    pid,
    state: fields[0]!,
    group: Number(fields[2]),
    session: Number(fields[3]),
    startTime: fields[19]!,
  };
}

/** True while the supervisor of a claim runs. A zombie has run. */
export function isAlive(claim: ClaimRecord, bootId: string): boolean {
  if (claim.bootId !== bootId || claim.pid === 0) return false;
  if (process.platform === "linux") {
    const stat = readProcessStat(claim.pid);
    return stat !== undefined && stat.startTime === claim.startTime && stat.state !== "Z" && stat.state !== "X";
  }
  try {
    return process.kill(claim.pid, 0);
  } catch {
    return false;
  }
}
