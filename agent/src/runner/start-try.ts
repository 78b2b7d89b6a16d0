// One new try, from the decision to start it to its recorded end. The start is durable before it happens.
import type { ChildProcess } from "node:child_process";
import { mkdirSync } from "node:fs";
import { basename } from "node:path";
import type { PlannedStep } from "@opsconductor/contract/job/plan-stage";
import { markStage } from "@opsconductor/contract/stage-marks";
import type { OutputRecord } from "../journal/journal.ts";
import type { Account } from "../process/account.ts";
import type { TryCgroup } from "../process/cgroup.ts";
import { killLeftovers } from "../process/stop-try.ts";
import type { Supervisor } from "../process/supervisor.ts";
import { readClaim } from "../process/try-records.ts";
import type { Attempt } from "./attempt.ts";
import { finishTry, reportTry, type TryResult } from "./finish-try.ts";
import type { HostContext } from "./host-context.ts";
import { startThrough } from "./start-through.ts";
import { type StepCommand, stepCommand } from "./step-command.ts";
import { type LimitPlan, limitsOf, outputLimit } from "./step-limits.ts";
import { userOf } from "./step-user.ts";
import { superviseTry } from "./supervise-try.ts";
import { outputsFile, placeOf, type TryPlace, targetOf } from "./try-place.ts";
import { makeUserRoom, ownRoom, type TryRoom, userRoom } from "./user-room.ts";

/** A start that provably did not happen is made again; a host that refused three times will refuse a fourth. */
const maxSpawns = 3;

/** `spawn` counts on after starts that did not happen. */
export async function startTry(
  host: HostContext,
  attempt: Attempt,
  step: PlannedStep,
  tryNumber: number,
  spawn = 1,
): Promise<TryResult> {
  const place = placeOf(host, attempt, step, tryNumber, spawn);
  const { account, problem: noUser } = await userOf(host, step);
  if (noUser !== undefined) return failBeforeStart(host, place, noUser);
  const { limits, problem: noLimits } = limitsOf(host, step, account);
  if (limits === undefined) return failBeforeStart(host, place, noLimits);
  const room = account === undefined ? ownRoom(place) : userRoom(host.userFolder, place, account);
  const { command, problem } = stepCommand(host, place, room, account);
  if (command === undefined) return failBeforeStart(host, place, problem);
  const decision = host.policy.judgeStart(attempt.offer, {
    ...{ stepId: step.id, argv: command.argv, script: command.script, environmentNames: Object.keys(command.env) },
  });
  if (!decision.allowed) return failBeforeStart(host, place, `denied by this host's policy: ${decision.reason}`);

  const { prepared, reason } = tryPrepare(host, { place, command, room, account, limits });
  if (prepared === undefined) return failBeforeStart(host, place, `it could not be started: ${reason}`);
  markStage("try.prepared");
  attempt.note({ kind: "tryStarting", stepId: step.id, try: tryNumber, spawn });
  attempt.record({ kind: "output", output: openStream(place) });
  await commitOrDismiss(attempt, prepared.supervisor);
  markStage("start.durable");

  const startedAt = host.now();
  const end = await superviseTry(host, { place, spawn: prepared.launch, supervisorPid: 0, startedAt });
  if (end.kind === "notStarted") return startAgain(host, place, end.reason);
  return finishTry(host, place, end, host.now().monotonicMs - startedAt.monotonicMs);
}

interface Caps {
  headBytes: number;
  tailBytes: number;
}

interface ToStart {
  place: TryPlace;
  command: StepCommand;
  room: TryRoom;
  account: Account | undefined;
  limits: LimitPlan;
}

interface Prepared {
  supervisor: Supervisor;
  launch: () => ChildProcess;
}

/** No space, no processes left: what the system says is the step's outcome, and the rest of the job goes its way. */
function tryPrepare(
  host: HostContext,
  start: ToStart,
): { prepared: Prepared; reason: undefined } | { prepared: undefined; reason: string } {
  const caps = capsOf(host, start.place);
  let supervisor: Supervisor | undefined;
  try {
    supervisor = host.supervisors.take(start.place.folder, caps.headBytes);
    return { prepared: prepare(host, start, supervisor, caps), reason: undefined };
  } catch (error) {
    supervisor?.dismiss();
    return { prepared: undefined, reason: (error as Error).message };
  }
}

/** Everything that may stand before the start is durable: the supervisor does nothing until it is told. */
function prepare(host: HostContext, start: ToStart, supervisor: Supervisor, caps: Caps): Prepared {
  const { place, command, room, account, limits } = start;
  const through = startThrough(limits.processLimits, account);
  if (account === undefined) writeFiles(supervisor, command);
  else makeUserRoom(host.userFolder, place, account, command);
  openOutput(host, place, caps);
  const cgroup = host.cgroups?.create(place.mark, limits.cgroup);
  const limitedBy = Object.values(limits.cgroup).some((limit) => limit !== undefined) ? foldersOf(cgroup) : [];
  const launch = () => {
    const { argv, env } = command;
    const { workingFolder } = room;
    supervisor.begin(
      { workingFolder, argv, env, mark: place.mark, limitedBy, through },
      { cgroup: cgroup?.kill, ...caps },
    );
    return supervisor.child;
  };
  return { supervisor, launch };
}

function foldersOf(cgroup: TryCgroup | undefined): string[] {
  if (cgroup === undefined) return [];
  return cgroup.kill === undefined ? [...cgroup.limiting] : [cgroup.kill, ...cgroup.limiting];
}

function writeFiles(supervisor: Supervisor, command: StepCommand): void {
  if (command.script !== undefined) supervisor.write(command.scriptName, command.script);
  supervisor.write(outputsFile, "");
}

/** How much of the output may be kept at its beginning and at its end. */
function capsOf(host: HostContext, place: TryPlace): Caps {
  const cap = host.outputs.allow(outputLimit(host, place.step));
  const tailBytes = Math.min(Math.ceil(cap / 4), 1024 ** 2);
  return { headBytes: cap - tailBytes, tailBytes };
}

/** Opens the stream of a try that starts or was found. */
export function openOutput(host: HostContext, place: TryPlace, caps = capsOf(host, place)): void {
  const reservedBytes = caps.headBytes + caps.tailBytes;
  host.outputs.follow(place.address, place.folder, host.redactorFor(place.address), reservedBytes);
}

// A journal that fails ends the work of this life: what waits to begin would wait as long as the agent lives.
async function commitOrDismiss(attempt: Attempt, supervisor: Supervisor): Promise<void> {
  try {
    await attempt.commit("soon");
  } catch (error) {
    supervisor.dismiss();
    throw error;
  }
}

function openStream({ address, folder }: TryPlace): OutputRecord {
  const { fence, stepId, try: tryNumber } = address;
  const where = { fence, stepId, try: tryNumber, folder: basename(folder) };
  return { ...where, ackedOffset: 0n, totalBytes: undefined, inline: undefined };
}

// The supervisor that we started is gone, but a child of it may be about to claim: then that spawn is the one that ran.
async function startAgain(host: HostContext, place: TryPlace, reason: string): Promise<TryResult> {
  const { attempt, step } = place;
  await killLeftovers(targetOf(host, place, 0));
  const claim = readClaim(place.folder);
  if (typeof claim === "object" && claim.pid > 0) return finishTry(host, place, { kind: "gone" }, 0);
  host.log.warn({ event: "try.not_started", fence: attempt.fence, step: step.id, spawn: place.spawn, reason });
  const stopped = attempt.cancelled && step.phase !== "finally";
  if (place.spawn < maxSpawns && !stopped) return startTry(host, attempt, step, place.try, place.spawn + 1);
  const result: TryResult = stopped
    ? { state: "cancelled", reason: attempt.wantReason, outputs: {} }
    : { state: "failed", reason: `it could not be started: ${reason}`, outputs: {} };
  await reportTry(host, place, result, undefined, 0);
  return result;
}

// A try that was started and did not happen is closed, so that nothing stays open; else there is no try to speak of.
async function failBeforeStart(host: HostContext, place: TryPlace, reason: string): Promise<TryResult> {
  const result: TryResult = { state: "failed", reason, outputs: {}, final: true };
  if (place.spawn === 1) return result;
  mkdirSync(place.folder, { recursive: true, mode: 0o700 });
  openOutput(host, place);
  await reportTry(host, place, result, undefined, 0);
  return result;
}
