// Starts processes and finds what they left behind. Called by devstack.ts. Finding reads /proc, so it needs Linux;
// elsewhere it finds nothing.
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "./wait-for.ts";

export interface StartedProcess {
  readonly pid: number;
  /** Everything it wrote so far, both streams. */
  output(): string;
  /** undefined while it runs. */
  ended(): { code: number | null; signal: NodeJS.Signals | null } | undefined;
  /** Resolves when it has ended, at most `timeoutMs` later, else rejects. */
  untilEnded(timeoutMs: number): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  kill(signal: NodeJS.Signals): void;
}

export interface StartOptions {
  cwd: string;
  env: Record<string, string>;
  /** Its output is added to this file too. */
  logFile: string;
  /** Told every piece of output as it comes. */
  onOutput?: (piece: string) => void;
}

export function startProcess(command: string, args: string[], options: StartOptions): StartedProcess {
  const { cwd, env, logFile, onOutput } = options;
  const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const log = createWriteStream(logFile, { flags: "a" });
  let text = "";
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
      log.write(piece);
      onOutput?.(piece);
    });
  }
  const end = endOf(child);
  let ended: Awaited<typeof end> | undefined;
  void end.then((how) => {
    ended = how;
    log.end();
  });
  return {
    pid: child.pid!,
    output: () => text,
    ended: () => ended,
    untilEnded: (timeoutMs) => within(end, timeoutMs, `${command} ${args.join(" ")} to end`),
    kill: (signal) => child.kill(signal),
  };
}

function endOf(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
}

function within<T>(promise: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited ${timeoutMs} ms for ${what}`)), timeoutMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export interface FoundProcess {
  pid: number;
  command: string;
}

/** Running processes whose command line, environment or working directory names `text`. */
export function processesNaming(text: string): FoundProcess[] {
  if (!existsSync("/proc/self/environ")) return [];
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids.flatMap((pid) => {
    const command = readProc(pid, "cmdline").replaceAll("\0", " ").trim();
    // A zombie has no command line: it has ended, only its parent has not looked yet.
    if (command === "" || !`${command}\0${readProc(pid, "environ")}`.includes(text)) return [];
    return [{ pid: Number(pid), command }];
  });
}

/** Ends every process that names `text`, whatever it is, and waits until they are gone. */
export async function endProcessesNaming(text: string): Promise<void> {
  await waitFor(
    `what names ${text} to be gone`,
    () => {
      const left = processesNaming(text);
      for (const { pid } of left) killQuietly(pid);
      return left.length === 0;
    },
    { timeoutMs: 10_000 },
  );
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // it ended by itself meanwhile
  }
}

function readProc(pid: string, file: string): string {
  try {
    return readFileSync(join("/proc", pid, file), "latin1");
  } catch {
    return ""; // it ended between the listing and the reading
  }
}
