// Where one spawn of a try lives on this host and how its processes are recognised. Names are made from numbers only:
// nothing that came over the wire becomes a path.
import { join } from "node:path";
import type { PlannedStep } from "@opsconductor/contract/job/plan-stage";
import type { TryAddress } from "../output/output-registry.ts";
import type { TryToStop } from "../process/stop-try.ts";
import { readSupervisorMark } from "../process/try-records.ts";
import type { Attempt } from "./attempt.ts";
import type { HostContext } from "./host-context.ts";

export interface TryPlace {
  attempt: Attempt;
  step: PlannedStep;
  try: number;
  spawn: number;
  address: TryAddress;
  folder: string;
  /** Unique on this host, also beside other agents. */
  mark: string;
}

export function placeOf(
  host: HostContext,
  attempt: Attempt,
  step: PlannedStep,
  tryNumber: number,
  spawn: number,
): TryPlace {
  const { assignmentId, attempt: number, fence } = attempt.offer;
  const name = spawnName(step.position, tryNumber, spawn);
  return {
    ...{ attempt, step, try: tryNumber, spawn },
    address: { assignmentId, attempt: number, fence, stepId: step.id, try: tryNumber },
    folder: join(attempt.folder, name),
    mark: `${host.journal.id}.${fence}.${name}`,
  };
}

/** Of a mark that this agent made, else undefined. */
export function fenceOf(host: HostContext, mark: string): bigint | undefined {
  const own = `${host.journal.id}.`;
  const [, fence] = /^(\d+)\./.exec(mark.startsWith(own) ? mark.slice(own.length) : "") ?? [];
  return fence === undefined ? undefined : BigInt(fence);
}

/** Behind $OC_OUTPUT. */
export const outputsFile = "outputs";

/** Of the first step's first try. */
export const firstTryName = spawnName(0, 1, 1);

function spawnName(position: number, tryNumber: number, spawn: number): string {
  return `${position}.${tryNumber}.${spawn}`;
}

export function targetOf(host: HostContext, place: TryPlace, supervisorPid: number): TryToStop {
  const { folder, mark } = place;
  const supervisorMark = readSupervisorMark(folder);
  return { folder, pid: supervisorPid, mark, supervisorMark, cgroup: host.cgroups?.of(mark) };
}
