// Finds the processes that a chaos run kills, and what is known of them right before. Called by killer.ts.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { ExtraAgent } from "../devstack/extra-agent.ts";
import { isRunning } from "../devstack/step-probe.ts";
import type { KilledSpawn } from "./evidence.ts";
import type { FaultStack } from "./fault-stack.ts";

/** A spawn whose supervisor lives. */
export interface RunningSpawn {
  folder: string;
  /** The supervisor: leader of the spawn's session. */
  pid: number;
}

export function runningSpawns(faults: FaultStack, agent: ExtraAgent): RunningSpawn[] {
  return faults.spawnFolders(agent).flatMap((folder) => {
    const pid = claimedBy(folder);
    return pid > 1 && isRunning(pid) && environmentOf(pid).includes("OC_SUPERVISOR=") ? [{ folder, pid }] : [];
  });
}

/** The pid in a whole claim, else 0. */
function claimedBy(folder: string): number {
  const [, , pid, , end] = read(join(folder, "claim")).trimEnd().split(" ");
  return end === "end" ? Number(pid) : 0;
}

/** To be called before the kill: whether the record was there by then decides whether `lost` is allowed. */
export function describeSpawn(folder: string): KilledSpawn {
  const [position, tryNumber, spawn] = basename(folder).split(".").map(Number) as [number, number, number];
  const fence = BigInt(basename(dirname(folder)));
  return { ...{ fence, position, try: tryNumber, spawn }, hadExitRecord: read(join(folder, "exit")).endsWith("end\n") };
}

/** Everything in the session of the supervisor, the step included. */
export function sessionOf(leader: number): number[] {
  if (!existsSync("/proc/self/stat")) return [leader];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => sessionOfProcess(pid) === leader);
}

function sessionOfProcess(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3] ?? 0);
}

const environmentOf = (pid: number) => read(`/proc/${pid}/environ`);

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return ""; // not there yet, or gone meanwhile
  }
}
