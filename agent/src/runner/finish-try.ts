// The end of one try: output read to its end, outcome mapped, both recorded for the next commit. The same for a try
// that this agent saw ending and for one whose record it found.
import { statSync } from "node:fs";
import { join } from "node:path";
import type { WrittenBytes } from "../output/output-spool.ts";
import { removeAfterSend, removeSmallFolder } from "../output/remove-folder.ts";
import { cgroupMembers, killCgroup } from "../process/cgroup.ts";
import { killLeftovers } from "../process/stop-try.ts";
import { type ExitRecord, readClaim, readTotal } from "../process/try-records.ts";
import type { SpawnEnd } from "../process/watch-try.ts";
import type { HostContext } from "./host-context.ts";
import { maxOutputsBytes, parseOutputs } from "./parse-outputs.ts";
import { readActionResult } from "./read-action-result.ts";
import { limitNotes, limitsReached } from "./step-limits.ts";
import type { Stopped } from "./supervise-try.ts";
import { type TryPlace, targetOf } from "./try-place.ts";
import { readPlain, roomOf } from "./user-room.ts";

export type TryState = "succeeded" | "failed" | "timed_out" | "cancelled" | "lost";

export interface TryResult {
  state: TryState;
  reason: string;
  outputs: Record<string, string>;
  /** An action changed something, or in check mode would. */
  changed?: boolean;
  /** It failed before it could start, and would again: no retry. */
  final?: boolean;
}

/** `durationMs`: as measured by us; undefined when we were away, and the supervisor's record has to tell. */
export async function finishTry(
  host: HostContext,
  place: TryPlace,
  end: Exclude<SpawnEnd, { kind: "notStarted" }> & { stopped?: Stopped },
  durationMs: number | undefined,
): Promise<TryResult> {
  const exit = end.kind === "exited" ? end.exit : await exitAfterAll(host, place);
  const left = endLeftovers(host, place);
  const result =
    exit === undefined ? lost("the supervisor was killed") : resultOf(host, place, exit, end.stopped, left);
  await reportTry(host, place, result, exit, durationMs ?? recordedDuration(place, exit));
  return result;
}

export function lost(reason: string): TryResult {
  return { state: "lost", reason: `nobody knows how it ended: ${reason}`, outputs: {} };
}

/** Records the end of a try whose processes are all gone, or are no longer ours to wait for. */
export async function reportTry(
  host: HostContext,
  place: TryPlace,
  result: TryResult,
  exit: ExitRecord | undefined,
  durationMs: number,
): Promise<void> {
  const { totals, record } = await host.outputs.finish(place.address, exit ?? writtenOf(host, place));
  place.attempt.note({
    ...{ kind: "tryFinished", stepId: place.step.id, try: place.try, state: result.state },
    ...{ exitCode: exit?.exitCode, signal: exit?.signal ?? "", reason: result.reason, durationMs },
    ...{ outputBytes: totals.bytes, outputSha256: totals.sha256, gaps: totals.gaps, rawBytes: totals.rawBytes },
  });
  place.attempt.record({ kind: "output", output: record });
  place.attempt.afterCommit(() => {
    host.cgroups?.remove(place.mark);
    if (host.outputs.ended(place.address, record)) removeAfterSend(place.folder, removeSmallFolder);
  });
}

/** Without an exit record: what the copier of its output has counted, if it came to the end and this host is still up. */
function writtenOf(host: HostContext, { folder }: TryPlace): WrittenBytes {
  const [claim, total] = [readClaim(folder), readTotal(folder)];
  if (typeof claim !== "object" || claim.bootId !== host.bootId || total === undefined)
    return { headBytes: 0n, restBytes: 0n };
  const headBytes = BigInt(statSync(join(folder, "head"), { throwIfNoEntry: false })?.size ?? 0);
  return { headBytes, restBytes: total - headBytes, tailLimit: claim.tailLimit };
}

// The supervisor is gone: nothing of the try may go on. Its capper may have written the record before we came.
async function exitAfterAll(host: HostContext, place: TryPlace): Promise<ExitRecord | undefined> {
  const claim = readClaim(place.folder);
  return killLeftovers(targetOf(host, place, typeof claim === "object" ? claim.pid : 0));
}

function resultOf(
  host: HostContext,
  place: TryPlace,
  exit: ExitRecord,
  stopped: Stopped | undefined,
  leftovers: number,
): TryResult {
  const { attempt } = place;
  const why = exit.stopped ?? (stopped?.inTime ? stopped.why : undefined);
  if (why === "cancelled") return { state: "cancelled", reason: attempt.wantReason, outputs: {} };
  if (why === "timed_out") return { state: "timed_out", reason: timeoutReason(place), outputs: {} };
  const reached = limitsReached(host, place);
  const notes = joined(leftBehind(stopped, leftovers), ...limitNotes(host, place.step));
  if (place.step.run.kind === "action") return actionResultOf(host, place, exit, joined(reached, notes));
  const outputs = readOutputs(host, place);
  if (exit.exitCode !== 0) {
    const how = exit.signal === "" ? `exit code ${exit.exitCode}` : `ended by ${exit.signal}`;
    const plain = exit.signal === "" && reached === "" && notes === "";
    return { state: "failed", reason: plain ? "" : joined(reached, how, notes), outputs: outputs.values ?? {} };
  }
  if (outputs.values === undefined) return { state: "failed", reason: outputs.problem, outputs: {} };
  return { state: "succeeded", reason: joined(reached, notes), outputs: outputs.values };
}

/** What the step left behind in its cgroup ends with it; how many processes that were. */
function endLeftovers(host: HostContext, { mark }: TryPlace): number {
  if (host.cgroups === undefined) return 0;
  const cgroup = host.cgroups.of(mark);
  const members = cgroupMembers(cgroup).length;
  if (members > 0) killCgroup(cgroup);
  return members;
}

function joined(...parts: string[]): string {
  return parts.filter(Boolean).join("; ");
}

// An action tells its end itself; without that it was ended from outside, or this host could not run it.
function actionResultOf(host: HostContext, place: TryPlace, exit: ExitRecord, left: string): TryResult {
  const { actionFolder } = roomOf(host.userFolder, place);
  const { result, problem } = readActionResult(actionFolder, host.redactorFor(place.address));
  if (result === undefined) {
    const how = exit.signal === "" ? `exit code ${exit.exitCode}` : exit.signal;
    return {
      state: "failed",
      reason: joined(left, `the action ended without a result (${how}): ${problem}`),
      outputs: {},
    };
  }
  const { changed, outputs, message } = result;
  return { state: exit.exitCode === 0 ? "succeeded" : "failed", reason: joined(message, left), outputs, changed };
}

/** For people who wonder where their daemon went. */
function leftBehind(stopped: Stopped | undefined, leftovers: number): string {
  if (stopped?.why !== "drain" || stopped.killed === 0) return leftInCgroup(leftovers);
  const processes = stopped.killed === 1 ? "a background process" : `${stopped.killed} background processes`;
  return `${processes} that held its output open after its end ${stopped.killed === 1 ? "was" : "were"} ended`;
}

function leftInCgroup(leftovers: number): string {
  if (leftovers === 0) return "";
  return leftovers === 1
    ? "a background process that it left was ended"
    : `${leftovers} background processes that it left were ended`;
}

function timeoutReason({ step, attempt }: TryPlace): string {
  const ofJob = step.phase === "steps" ? attempt.plan.timeoutMs : Number.POSITIVE_INFINITY;
  const limitMs = Math.min(step.timeoutMs ?? Number.POSITIVE_INFINITY, ofJob);
  return `it ran into its time limit of ${limitMs / 1000} s${limitMs === step.timeoutMs ? "" : " (the job's)"}`;
}

function readOutputs(host: HostContext, place: TryPlace): ReturnType<typeof parseOutputs> {
  const redactor = host.redactorFor(place.address);
  let bytes: Buffer | undefined;
  try {
    bytes = readPlain(roomOf(host.userFolder, place).outputs, maxOutputsBytes);
  } catch (error) {
    return { values: undefined, problem: `$OC_OUTPUT cannot be read: ${(error as Error).message}` };
  }
  if (bytes === undefined) return { values: {}, problem: undefined };
  return parseOutputs(redactor === undefined ? bytes : redactor.redact(bytes, true).output);
}

function recordedDuration(place: TryPlace, exit: ExitRecord | undefined): number {
  const claim = readClaim(place.folder);
  if (exit === undefined || typeof claim !== "object") return 0;
  const ticksPerSecond = 100; // USER_HZ, fixed in Linux's interface to programs
  return Math.max(0, Math.round(exit.endedAtUptime * 1000 - (Number(claim.startTime) * 1000) / ticksPerSecond));
}
