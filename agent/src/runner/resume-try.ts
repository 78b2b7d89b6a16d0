// Recovery of a try that was open when the agent ended: walks the spawn's folder in the order of protocol.md, so that a
// step is never started twice and its true end is reported when it can be known.
import { mkdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { PlannedStep } from "@opsconductor/contract/job/plan-stage";
import { hasRebooted } from "../process/expected-reboot.ts";
import { findSupervisors } from "../process/find-processes.ts";
import { isAlive } from "../process/process-identity.ts";
import { killAll } from "../process/stop-try.ts";
import { type ClaimRecord, giveSpawnUp, readClaim, readExit, readSupervisorMark } from "../process/try-records.ts";
import type { Attempt } from "./attempt.ts";
import type { TryProgress } from "./attempt-progress.ts";
import { finishTry, lost, reportTry, type TryResult } from "./finish-try.ts";
import type { HostContext } from "./host-context.ts";
import { openOutput, startTry } from "./start-try.ts";
import { superviseTry } from "./supervise-try.ts";
import { placeOf, type TryPlace } from "./try-place.ts";

export async function resumeTry(
  host: HostContext,
  attempt: Attempt,
  step: PlannedStep,
  open: TryProgress,
): Promise<TryResult> {
  const place = placeOf(host, attempt, step, open.try, open.spawn);
  mkdirSync(place.folder, { recursive: true, mode: 0o700 });
  openOutput(host, place);
  if (hasRebooted(place.folder)) return closeRebooted(host, place, open);
  const exit = readExit(place.folder);
  if (exit !== undefined) return finishTry(host, place, { kind: "exited", exit }, undefined);
  if (open.starting.bootId !== host.bootId) return closeLost(host, place, "the host was restarted");
  const claim = await settleClaim(host, place);
  if (claim === undefined || claim.pid === 0) return startTry(host, attempt, step, open.try, open.spawn + 1);
  if (!isAlive(claim, host.bootId)) return finishTry(host, place, { kind: "gone" }, undefined);
  return adopt(host, place, claim, open);
}

async function adopt(host: HostContext, place: TryPlace, claim: ClaimRecord, open: TryProgress): Promise<TryResult> {
  host.log.info({ event: "try.adopted", fence: place.attempt.fence, step: place.step.id, pid: claim.pid });
  place.attempt.note({ kind: "tryAdopted", stepId: place.step.id, try: open.try, pid: claim.pid });
  await place.attempt.commit();
  host.outputs.advance(place.address);
  const startedAt = open.starting;
  const end = await superviseTry(host, { place, spawn: undefined, supervisorPid: claim.pid, startedAt });
  if (end.kind === "notStarted") throw new Error("a claimed spawn was taken for one that never started");
  return finishTry(host, place, end, host.now().monotonicMs - startedAt.monotonicMs);
}

// No claim: we take it, so that this spawn can never start. A torn one was made by a supervisor between two system
// calls: what is left of it is ended, and then the line is whole or nothing was started.
async function settleClaim(host: HostContext, place: TryPlace): Promise<ClaimRecord | undefined> {
  if (readClaim(place.folder) === undefined && giveSpawnUp(place.folder, host.bootId)) return undefined;
  for (let round = 0; readClaim(place.folder) === "torn"; round++) {
    const supervisors = findSupervisors(readSupervisorMark(place.folder));
    if (supervisors.length === 0 && round > 0) return undefined;
    if (round > 2) killAll(supervisors);
    await sleep(20);
  }
  return readClaim(place.folder) as ClaimRecord;
}

/** The step asked for it, so it has done its work. What its processes left behind at their end says nothing. */
async function closeRebooted(host: HostContext, place: TryPlace, { starting }: TryProgress): Promise<TryResult> {
  const tookMs = Math.max(0, host.now().atMs - starting.atMs);
  const { timeoutMs = Number.POSITIVE_INFINITY } = place.step;
  const inTime: TryResult = { state: "succeeded", reason: "the host was restarted", outputs: {}, changed: true };
  const tooLate = `the host was restarted, and back only after ${Math.round(tookMs / 1000)} s: the limit is ${timeoutMs / 1000} s`;
  // A retry would restart it once more.
  const result: TryResult =
    tookMs <= timeoutMs ? inTime : { ...inTime, state: "timed_out", reason: tooLate, final: true };
  await reportTry(host, place, result, undefined, tookMs);
  return result;
}

async function closeLost(host: HostContext, place: TryPlace, reason: string): Promise<TryResult> {
  const result = lost(reason);
  await reportTry(host, place, result, undefined, 0);
  return result;
}
