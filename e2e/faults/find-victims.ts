// Finds the processes that a chaos run kills, and what is known of them right before. Called by killer.ts.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
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
    return pid > 1 && isSupervisorIn(folder, pid) ? [{ folder, pid }] : [];
  });
}

/** Also one that has not finished its claim: it works in its folder and leads its session. */
export function supervisorIn(folder: string): number | undefined {
  const claimed = claimedBy(folder);
  if (claimed > 1) return isSupervisorIn(folder, claimed) ? claimed : undefined;
  return processes().find((pid) => isSupervisorIn(folder, pid) && sessionOfProcess(pid) === pid);
}

/** Pids are given again, also to supervisors of other spawns, and of other stacks on this machine. */
const isSupervisorIn = (folder: string, pid: number): boolean =>
  workingFolder(pid) === folder && isRunning(pid) && read(`/proc/${pid}/environ`).includes("OC_SUPERVISOR=");

/** The pid in a whole claim, else 0. */
function claimedBy(folder: string): number {
  const words = read(join(folder, "claim")).trimEnd().split(" ");
  return words.at(-1) === "end" ? Number(words[2]) : 0;
}

/** To be called before the kill: whether the record was there by then decides whether `lost` is allowed. */
export function describeSpawn(folder: string): KilledSpawn {
  const [position, tryNumber, spawn] = basename(folder).split(".").map(Number) as [number, number, number];
  const fence = BigInt(basename(dirname(folder)));
  return { ...{ fence, position, try: tryNumber, spawn }, hadExitRecord: read(join(folder, "exit")).endsWith("end\n") };
}

/** Everything in the session of the supervisor, the step included. */
export function sessionOf(leader: number): number[] {
  return processes().filter((pid) => sessionOfProcess(pid) === leader);
}

function processes(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function workingFolder(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined; // gone meanwhile
  }
}

function sessionOfProcess(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3] ?? 0);
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return ""; // not there yet, or gone meanwhile
  }
}
