// What a step may use here: what its job says, and no more than the owner of the host gives. A cgroup keeps it; where
// there is none, the limits of single processes stand in for what they can, and the step's outcome says so. What nobody
// can keep is refused. Used at the start of a try, and at its end to tell which limit it ran into.

import type { PlannedStep } from "@opsconductor/contract/job/plan-stage";
import { formatSize } from "@opsconductor/contract/job/size";
import type { Account } from "../process/account.ts";
import { cgroupEvents } from "../process/cgroup.ts";
import type { CgroupLimits, Resource } from "../process/cgroup-limits.ts";
import { findProgram } from "./find-program.ts";
import type { HostContext } from "./host-context.ts";
import { ownUser } from "./step-user.ts";
import type { TryPlace } from "./try-place.ts";

export interface LimitPlan {
  cgroup: CgroupLimits;
  /** Options of prlimit; none where a cgroup does it. */
  processLimits: readonly string[];
  /** What is not quite as the job asked, for people. */
  notes: readonly string[];
}

export type PlannedLimits = { limits: LimitPlan; problem: undefined } | { limits: undefined; problem: string };

const systemPath = "/usr/sbin:/usr/bin:/sbin:/bin";
const words: Record<Resource, string> = { memory: "memory", cpu: "processor time", processes: "processes" };

export function limitsOf(
  host: HostContext,
  step: PlannedStep,
  account: Pick<Account, "uid"> | undefined,
): PlannedLimits {
  const plan: { cgroup: CgroupLimits; processLimits: string[]; notes: string[] } = {
    ...{ cgroup: {}, processLimits: [], notes: lowered(host, step) },
  };
  const { memoryBytes, cpuPercent, processes } = effectiveLimits(host, step);
  const has = (resource: Resource) => host.cgroups?.resources.has(resource) ?? false;
  if (has("memory")) plan.cgroup.memoryBytes = memoryBytes;
  else if (memoryBytes !== undefined) {
    if (!canLimitProcesses()) return refuse("memory");
    plan.processLimits.push(`--data=${memoryBytes}`);
    plan.notes.push(
      `its limit of ${formatSize(memoryBytes)} held for each of its processes by itself: ${noCgroup("memory")}`,
    );
  }
  if (has("cpu")) plan.cgroup.cpuPercent = cpuPercent;
  else if (cpuPercent !== undefined) return refuse("cpu");
  if (has("processes")) plan.cgroup.processes = processes;
  else if (processes !== undefined) {
    // The kernel does not count those of root.
    const uid = account?.uid ?? process.getuid?.() ?? 0;
    if (uid === 0 || !canLimitProcesses()) return refuse("processes");
    plan.processLimits.push(`--nproc=${processes}`);
    const user = step.runAs ?? ownUser;
    plan.notes.push(`its limit of ${processes} processes held for all of ${user} together: ${noCgroup("processes")}`);
  }
  return { limits: plan, problem: undefined };
}

/** Of the output of one try; never refused: the agent keeps it itself. */
export function outputLimit(host: HostContext, step: PlannedStep): number {
  return effectiveLimits(host, step).outputBytes;
}

/** What it ran into, from the first words of a reason on; empty when into nothing. Before its cgroup is removed. */
export function limitsReached(host: HostContext, { step, mark }: TryPlace): string {
  if (host.cgroups === undefined) return "";
  const { killedForMemory, processesRefused } = cgroupEvents(host.cgroups.of(mark));
  const { memoryBytes, processes } = effectiveLimits(host, step);
  const reached: string[] = [];
  if (killedForMemory > 0)
    reached.push(
      `out of memory${memoryBytes === undefined ? "" : `: it reached its limit of ${formatSize(memoryBytes)}`}`,
    );
  if (processesRefused > 0 && processes !== undefined) reached.push(`it reached its limit of ${processes} processes`);
  return reached.join("; ");
}

/** As at the start of the try, for one whose start another life of the agent has seen. */
export function limitNotes(host: HostContext, step: PlannedStep): readonly string[] {
  const anyUser = step.runAs === undefined ? undefined : { uid: 1 };
  return limitsOf(host, step, anyUser).limits?.notes ?? [];
}

function effectiveLimits(host: HostContext, { limits }: PlannedStep): PlannedStep["limits"] {
  const ceilings = host.owner.current().settings?.limits ?? {};
  return {
    memoryBytes: least(limits.memoryBytes, ceilings.memoryBytes),
    cpuPercent: least(limits.cpuPercent, ceilings.cpuPercent),
    processes: least(limits.processes, ceilings.processes),
    outputBytes: Math.min(limits.outputBytes, ceilings.outputBytes ?? limits.outputBytes),
  };
}

/** Where the owner gives less than the job asked for: whoever wrote the job cannot see it otherwise. */
function lowered(host: HostContext, { limits }: PlannedStep): string[] {
  const ceilings = host.owner.current().settings?.limits ?? {};
  const bounds: [number | undefined, number | undefined, (limit: number) => string][] = [
    [limits.memoryBytes, ceilings.memoryBytes, (limit) => `${formatSize(limit)} of memory`],
    [limits.cpuPercent, ceilings.cpuPercent, (limit) => `${limit}% of a processor`],
    [limits.processes, ceilings.processes, (limit) => `${limit} processes`],
  ];
  return bounds.flatMap(([asked, given, words]) =>
    asked !== undefined && given !== undefined && given < asked
      ? [`the owner of this host gives at most ${words(given)}, and not ${words(asked)}`]
      : [],
  );
}

function least(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}

function refuse(resource: Resource): PlannedLimits {
  return {
    limits: undefined,
    problem: `this host cannot limit the ${words[resource]} of a step: ${noCgroup(resource)}`,
  };
}

function noCgroup(resource: Resource): string {
  return `the agent has no cgroup for ${words[resource]} (docs: Limits of a host)`;
}

function canLimitProcesses(): boolean {
  return findProgram("prlimit", systemPath, "/") !== undefined;
}
