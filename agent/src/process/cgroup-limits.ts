// What is written into a cgroup to limit it, and what it tells of limits that were reached: cgroup-v2.rst and the
// controllers of version 1 in the kernel's documentation. Called by cgroup.ts.
import { readFileSync } from "node:fs";
import { join } from "node:path";

export type Resource = "memory" | "cpu" | "processes";

export interface CgroupLimits {
  memoryBytes?: number | undefined;
  /** 100: one processor. */
  cpuPercent?: number | undefined;
  processes?: number | undefined;
}

export interface CgroupEvents {
  /** Processes that the kernel ended because the memory was used up. */
  killedForMemory: number;
  /** How often a process could not be started because there were as many as may be. */
  processesRefused: number;
}

export const emptyEvents: CgroupEvents = { killedForMemory: 0, processesRefused: 0 };

/** The kernel's names of the controllers. */
export const controllerOf: Record<Resource, string> = { memory: "memory", cpu: "cpu", processes: "pids" };

interface LimitFile {
  name: string;
  value: string;
  /** Not on every kernel, and nothing is lost without. */
  optional?: boolean;
}

/** Of the kernel's accounting of processor time. */
const periodUs = 100_000;

/** In the order in which they must be written. */
export function limitFiles(version: 1 | 2, resources: ReadonlySet<Resource>, limits: CgroupLimits): LimitFile[] {
  const { memoryBytes, cpuPercent, processes } = limits;
  const files: LimitFile[] = [];
  if (resources.has("memory") && memoryBytes !== undefined) files.push(...memoryFiles(version, memoryBytes));
  if (resources.has("cpu") && cpuPercent !== undefined) files.push(...cpuFiles(version, cpuPercent));
  if (resources.has("processes") && processes !== undefined) files.push({ name: "pids.max", value: String(processes) });
  return files;
}

// Without swap: a step that swaps slows down everybody else. A step of which one process is killed is ended as a whole
// in version 2; half of a step that goes on helps nobody.
function memoryFiles(version: 1 | 2, bytes: number): LimitFile[] {
  if (version === 2)
    return [
      { name: "memory.max", value: String(bytes) },
      { name: "memory.swap.max", value: "0", optional: true },
      { name: "memory.oom.group", value: "1", optional: true },
    ];
  return [
    { name: "memory.limit_in_bytes", value: String(bytes) },
    { name: "memory.memsw.limit_in_bytes", value: String(bytes), optional: true },
  ];
}

function cpuFiles(version: 1 | 2, percent: number): LimitFile[] {
  const quotaUs = String((percent * periodUs) / 100);
  if (version === 2) return [{ name: "cpu.max", value: `${quotaUs} ${periodUs}` }];
  return [
    { name: "cpu.cfs_period_us", value: String(periodUs) },
    { name: "cpu.cfs_quota_us", value: quotaUs },
  ];
}

export function readEvents(folder: string): CgroupEvents {
  return {
    killedForMemory: read(folder, "memory.events", "oom_kill") + read(folder, "memory.oom_control", "oom_kill"),
    processesRefused: read(folder, "pids.events", "max"),
  };
}

function read(folder: string, file: string, key: string): number {
  try {
    const text = readFileSync(join(folder, file), "utf8");
    return Number(new RegExp(`^${key} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
  } catch {
    return 0; // not a file of this hierarchy, or the cgroup is gone
  }
}
