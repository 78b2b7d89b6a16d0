// Finds what belongs to one try by looking at every process: the sweep behind a group kill, which misses children that
// made a session of their own. 13 ms with 300 processes, so it never stands on the way of a step that ends by itself.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { readProcessStat } from "./process-identity.ts";

export interface TryProcesses {
  /** The step's own processes: to be killed on cancel. */
  command: number[];
  /** The supervisor's shells and its capper. */
  supervisor: number[];
}

interface SeenProcess {
  pid: number;
  group: number;
  session: number;
  /** `NAME=value` entries, each between two separators. */
  environment: string;
  separator: "\0" | " ";
}

export interface TryMarks {
  /** Of what the step starts. */
  mark: string;
  /** Of the supervisor; empty when there never was one. */
  supervisorMark: string;
  /** The supervisor: leader of the session and group. */
  pid: number;
}

/**
 * By the marks in the environment, and by the session for those who cleared theirs (`env -i`). The supervisor's session
 * counts only while its pid is the supervisor's or nobody's.
 */
export function findProcesses({ mark, supervisorMark, pid: leader }: TryMarks): TryProcesses {
  const found: TryProcesses = { command: [], supervisor: [] };
  const bySession: number[] = [];
  let leaderIsForeign = false;
  for (const seen of allProcesses()) {
    if (has(seen, `OC_PROCESS_MARK=${mark}`)) found.command.push(seen.pid);
    else if (supervisorMark !== "" && has(seen, `OC_SUPERVISOR=${supervisorMark}`)) found.supervisor.push(seen.pid);
    else if (seen.pid === leader) leaderIsForeign = true;
    else if (seen.session === leader || seen.group === leader) bySession.push(seen.pid);
  }
  // 0 is the session of kernel threads and of everything outside a container: never a supervisor's.
  if (leader > 1 && !leaderIsForeign) found.command.push(...bySession);
  return found;
}

/** Processes outside the try's own that hold the write end of its pipe: escaped from session and environment both. */
export function findPipeHolders(supervisor: readonly number[]): number[] {
  const pipes = new Set(supervisor.map((pid) => readLink(`/proc/${pid}/fd/0`)).filter((l) => l?.startsWith("pipe:")));
  if (pipes.size === 0) return [];
  const own = new Set([...supervisor, process.pid]);
  return procPids().filter((pid) => !own.has(pid) && openFiles(pid).some((link) => pipes.has(link)));
}

/** The processes of a supervisor of which only the mark is known: its claim was never finished. */
export function findSupervisors(supervisorMark: string): number[] {
  return findProcesses({ mark: supervisorMark, supervisorMark, pid: -1 }).supervisor;
}

/** The copier at the end of the pipe, not one of the supervisor's shells. */
export function isCapper(pid: number): boolean {
  try {
    return ["dd", "tail"].includes(readFileSync(`/proc/${pid}/comm`, "utf8").trim());
  } catch {
    return false; // gone
  }
}

function allProcesses(): SeenProcess[] {
  return process.platform === "linux" ? procPids().flatMap(readSeen) : listWithPs();
}

function procPids(): number[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid);
}

function readSeen(pid: number): SeenProcess[] {
  const stat = readProcessStat(pid);
  if (stat === undefined || stat.state === "Z" || stat.state === "X") return [];
  return [{ pid, group: stat.group, session: stat.session, environment: `\0${readEnvironment(pid)}`, separator: "\0" }];
}

// macOS: the environment stands behind the command, separated by blanks; the marks contain none.
function listWithPs(): SeenProcess[] {
  const text = execFileSync("ps", ["-axEww", "-o", "pid=,pgid=,sess=,stat=,command="], { encoding: "latin1" });
  return text.split("\n").flatMap((line): SeenProcess[] => {
    const [, pid, group, session, state, rest] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\S+)\s(.*)$/.exec(line) ?? [];
    if (pid === undefined || state!.startsWith("Z") || Number(pid) === process.pid) return [];
    const seen = { pid: Number(pid), group: Number(group), session: Number(session) };
    return [{ ...seen, environment: `${rest} `, separator: " " }];
  });
}

function readEnvironment(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1");
  } catch {
    return ""; // gone, or another user's: not ours either way
  }
}

function has(seen: SeenProcess, entry: string): boolean {
  return seen.environment.includes(`${seen.separator}${entry}${seen.separator}`);
}

function openFiles(pid: number): (string | undefined)[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => readLink(`/proc/${pid}/fd/${fd}`));
  } catch {
    return []; // gone, or another user's
  }
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // closed between two looks
  }
}
