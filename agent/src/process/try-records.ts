// The records that a supervisor writes into its try's folder, read back. The watcher of a try and recovery call it.
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";

/** Who runs this spawn. pid 0: an agent gave the spawn up, so that it can never start. */
export interface ClaimRecord {
  bootId: string;
  pid: number;
  /** Field 22 of /proc/pid/stat: with boot id and pid it names one process for ever. "0" where there is no /proc. */
  startTime: string;
  /** Most that is kept of the output after the head. */
  tailLimit: number;
}

export type StopReason = "cancelled" | "timed_out" | "drain";

export interface ExitRecord {
  exitCode: number | undefined;
  /** Name, only when it is known that a signal ended the command. */
  signal: string;
  /** Set when the agent had asked the command to stop before it ended. */
  stopped: StopReason | undefined;
  headBytes: bigint;
  /** Raw bytes after the head: tail and gap. */
  restBytes: bigint;
  /** Seconds since boot. */
  endedAtUptime: number;
}

/** Tells the mark of the supervisor that waits or works in the folder; there before it is. */
export const supervisorMarkFile = "supervisor";

/** Empty when there never was one. */
export function readSupervisorMark(folder: string): string {
  return readOptional(join(folder, supervisorMarkFile)) ?? "";
}

/** undefined: nobody took the claim; "torn": somebody made the file and did not finish the line. */
export function readClaim(folder: string): ClaimRecord | "torn" | undefined {
  const text = readOptional(join(folder, "claim"));
  if (text === undefined) return undefined;
  const [version, bootId, pid, startTime, , tail, end] = text.trimEnd().split(" ");
  if (version !== "1" || end !== "end" || !text.endsWith("\n")) return "torn";
  return { bootId: bootId!, pid: Number(pid), startTime: startTime!, tailLimit: Number(tail) };
}

/** Takes the claim for the agent. False: a supervisor was first. */
export function giveSpawnUp(folder: string, bootId: string): boolean {
  const temporary = join(folder, `claim.${process.pid}`);
  writeFileSync(temporary, `1 ${bootId} 0 0 0 0 end\n`, { mode: 0o600 });
  try {
    linkSync(temporary, join(folder, "claim"));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(temporary);
  }
}

/** The command is over (its output may not be). */
export function hasEnded(folder: string): boolean {
  return readOptional(join(folder, "code"))?.endsWith("\n") ?? false;
}

export function readExit(folder: string): ExitRecord | undefined {
  const lines = readOptional(join(folder, "exit"))?.split("\n");
  if (lines === undefined || lines.length < 3 || lines.at(-2) !== "end") return undefined;
  const match = /^1 (\d+) (\d+) (\d+) ([\d.]+) (\S+) ?(.*)$/.exec(lines[0]!);
  if (match === null) return undefined;
  const [, head, rest, status, uptime, why, word] = match as unknown as string[];
  return {
    ...decodeStatus(Number(status), word!),
    stopped: why === "-" ? undefined : (why as StopReason),
    headBytes: BigInt(head!),
    restBytes: BigInt(rest!),
    endedAtUptime: Number(uptime),
  };
}

/** Of a try without an exit record: how much its command wrote, when the copier that counts came to the end of it. */
export function readTotal(folder: string): bigint | undefined {
  const text = readOptional(join(folder, "total")) ?? "";
  const [, bytes] = /^\d+\+\d+ records in\n\d+\+\d+ records out\n(\d+) bytes/.exec(text) ?? [];
  return bytes === undefined ? undefined : BigInt(bytes);
}

/** Tells the supervisor why its command is stopped; written before the first signal, so that the exit record knows. */
export function recordStop(folder: string, why: StopReason): void {
  const temporary = join(folder, `kill.${process.pid}`);
  writeFileSync(temporary, `${why}\n`, { mode: 0o600 });
  renameSync(temporary, join(folder, "kill"));
}

// Shells give 128 + n (ksh 256 + n) for signal n, and the same 128 + n for `exit`. They print a word only for a signal,
// and none for SIGINT and SIGPIPE, which then stay the exit codes 130 and 141.
function decodeStatus(status: number, word: string): { exitCode: number | undefined; signal: string } {
  const number = status > 256 ? status - 256 : status - 128;
  if (number <= 0 || (word === "" && status <= 256)) return { exitCode: status, signal: "" };
  const name = Object.entries(constants.signals).find(([, n]) => n === number)?.[0];
  return name === undefined ? { exitCode: status, signal: "" } : { exitCode: undefined, signal: name };
}

function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
