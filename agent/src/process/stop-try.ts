// Ends a try and everything it started: TERM to the group, grace, then whatever still lives is killed until the exit
// record is there. The runner calls it for cancel and timeout, for pipes held open after the end, and for leftovers.
import { setTimeout as sleep } from "node:timers/promises";
import { killCgroup, type TryCgroup } from "./cgroup.ts";
import { findPipeHolders, findProcesses, isCapper, type TryMarks } from "./find-processes.ts";
import { type ExitRecord, hasEnded, readExit, recordStop, type StopReason } from "./try-records.ts";

export interface TryToStop extends TryMarks {
  folder: string;
  cgroup: TryCgroup | undefined;
}

export interface StopOptions {
  why: StopReason;
  /** Between TERM and KILL. 0: KILL at once. */
  graceMs: number;
}

export interface StopResult {
  /** The command had not ended before it was told to stop. The exit record says so too, unless the disk was full. */
  inTime: boolean;
  /** Processes that had to be killed, the command's own and what it left behind. */
  killed: number;
}

/** Resolves when the exit record is there, or everything of the try is dead. */
export async function stopTry(target: TryToStop, options: StopOptions): Promise<StopResult> {
  const inTime = readExit(target.folder) === undefined && !hasEnded(target.folder);
  if (inTime) {
    tryRecordStop(target.folder, options.why);
    if (options.graceMs > 0) {
      signalGroup(target.pid, "SIGTERM");
      await waitUntil(() => hasEnded(target.folder) || !groupExists(target.pid), options.graceMs);
    }
  }
  return { inTime, killed: await killEverything(target) };
}

/** Between the end of the command and the end of what it had written into the pipe. */
const copyMs = 2000;

/**
 * After the supervisor was found dead: nothing of the try may live on. Its other shells go first, so that no record is
 * made of the kill itself; the copiers last, so that they come to the end of the output and its size is known. Returns
 * the record that was there by then.
 */
export async function killLeftovers(target: TryToStop): Promise<ExitRecord | undefined> {
  await killUntilGone(() => findProcesses(target).supervisor.filter((pid) => !isCapper(pid)));
  const exit = readExit(target.folder);
  if (target.cgroup !== undefined) killCgroup(target.cgroup);
  await killUntilGone(() => findProcesses(target).command);
  await waitUntil(() => findProcesses(target).supervisor.length === 0, copyMs);
  await killUntilGone(() => {
    const { command, supervisor } = findProcesses(target);
    return [...command, ...supervisor];
  });
  return exit;
}

async function killUntilGone(find: () => number[]): Promise<void> {
  await waitUntil(() => {
    const pids = find();
    killAll(pids);
    return pids.length === 0;
  }, 30_000);
}

// Each round kills what it finds; a process that forks faster than one sweep loses to the next. Later rounds go after
// those who hid from session and environment but hold the output open, and at last after our own capper: then the
// output ends although somebody we may not kill still holds it.
async function killEverything(target: TryToStop): Promise<number> {
  const killed = new Set<number>();
  for (let round = 0; round < 200; round++) {
    if (target.cgroup !== undefined) killCgroup(target.cgroup);
    const { command, supervisor } = findProcesses(target);
    const holders = round >= 2 ? findPipeHolders(supervisor).filter((pid) => !command.includes(pid)) : [];
    for (const pid of [...command, ...holders]) killed.add(pid);
    killAll([...command, ...holders]);
    // Not before the command's end is on record: on a full disk they are needed to count.
    if (round >= 20 && hasEnded(target.folder)) killAll(supervisor.filter(isCapper));
    if (command.length + holders.length === 0 && (readExit(target.folder) !== undefined || supervisor.length === 0))
      break;
    await sleep(Math.min(20 * (round + 1), 500));
  }
  return killed.size;
}

// On a full disk the command is stopped all the same; its record then tells of the signal only, and the caller knows more.
function tryRecordStop(folder: string, why: StopReason): void {
  try {
    recordStop(folder, why);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  }
}

export function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // gone, or another user's: the next look sees which
    }
  }
}

function signalGroup(leader: number, signal: NodeJS.Signals): void {
  if (leader <= 1) return; // 0 would be our own group
  try {
    process.kill(-leader, signal);
  } catch {
    // the group is gone
  }
}

function groupExists(leader: number): boolean {
  if (leader <= 1) return false;
  try {
    return process.kill(-leader, 0);
  } catch {
    return false;
  }
}

async function waitUntil(condition: () => boolean, limitMs: number): Promise<void> {
  const deadline = performance.now() + limitMs;
  for (let pauseMs = 5; !condition() && performance.now() < deadline; pauseMs = Math.min(pauseMs * 2, 50))
    await sleep(pauseMs);
}
