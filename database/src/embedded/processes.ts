// Which processes belong to one cluster: how a start recognises its running postmaster and the leftovers of a dead one.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** What a postmaster writes about itself; line 1 is its pid, line 8 its status. */
export function readPostmasterFile(data: string): { pid: number; ready: boolean; stopping: boolean } | undefined {
  try {
    const lines = readFileSync(join(data, "postmaster.pid"), "utf8").split("\n");
    const pid = Number(lines[0]);
    const status = lines[7]?.trim();
    return pid > 0 ? { pid, ready: status === "ready", stopping: status === "stopping" } : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** A postmaster we adopted is reaped by init, which in a container may take its time or never happen. */
function isZombie(pid: number): boolean {
  if (process.platform !== "linux") return false;
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return true; // gone between the two looks
  }
}

/** The program of a postmaster of this cluster, or undefined when `pid` is somebody else (a pid is used again). */
export function postmasterProgram(pid: number, data: string): string | undefined {
  const args = commandOf(pid);
  const at = args.indexOf("-D");
  return at > 0 && args[at + 1] === data ? args[0] : undefined;
}

function commandOf(pid: number): string[] {
  try {
    if (process.platform === "linux") return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    const text = execFileSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" });
    return text.trim().split(" "); // a data directory with a space is not recognised here; PostgreSQL then refuses
  } catch {
    return []; // no such process
  }
}

/** Backends that outlived their postmaster (busy ones notice late) and block the next start. They sit in `data`. */
export function strayBackends(data: string): number[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => isBackend(pid, data));
}

function isBackend(pid: number, data: string): boolean {
  try {
    return (
      readlinkSync(`/proc/${pid}/cwd`) === data && /\/postgres( \(deleted\))?$/.test(readlinkSync(`/proc/${pid}/exe`))
    );
  } catch {
    return false; // ended meanwhile, or not ours to look at
  }
}

/** Polls until `done`; false when `timeoutMs` passed first. */
export async function waitFor(done: () => boolean, timeoutMs: number, everyMs = 10): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  while (!done()) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  return true;
}
