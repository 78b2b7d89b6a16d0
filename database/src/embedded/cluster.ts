// One postmaster over time: started or adopted, watched, restarted when it dies, stopped. Used by embedded-postgres.ts.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Place } from "./place.ts";
import { isAlive, postmasterProgram, readPostmasterFile, strayBackends, waitFor } from "./processes.ts";

export interface EmbeddedLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const settingsOf = (place: Place): Record<string, string> => ({
  listen_addresses: "",
  unix_socket_directories: place.socketDir,
  unix_socket_permissions: "0700",
  max_connections: "60",
  timezone: "UTC",
  log_timezone: "UTC",
  // Its own collector: what it says survives the controller, and a week of files is the limit.
  logging_collector: "on",
  log_directory: "log",
  log_filename: "postgresql-%a.log",
  log_truncate_on_rotation: "on",
  log_rotation_age: "1d",
  // Two controllers' worth of short statements: compiling a plan never pays.
  jit: "off",
  shared_buffers: `${sharedBuffersMiB(totalmem())}MB`,
});

/**
 * PostgreSQL reads a table that takes more than a quarter of this anew from the system for each question about all of its
 * rows: of its own 128 MiB, the facts of 32,000 hosts. Only what is used is taken from the system.
 */
const sharedBuffersMiB = (memoryBytes: number) => Math.round(Math.min(512, Math.max(128, memoryBytes / 1024 ** 2 / 8)));

/** Who PostgreSQL's programs run as, with an environment that cannot change what they do. */
export function identity(place: Place): { uid?: number; gid?: number; env: NodeJS.ProcessEnv } {
  const env = { PATH: "/usr/bin:/bin", LC_ALL: "C" };
  return place.user ? { uid: place.user.uid, gid: place.user.gid, env } : { env };
}

export class Cluster {
  private readonly place: Place;
  private readonly program: string;
  private readonly args: string[];
  private readonly log: EmbeddedLog;
  private readonly patienceMs: number;
  private pid = 0;
  private readonly stopping = new AbortController();
  private watching: Promise<void> | undefined;
  /** What the last start in vain said; undefined when it runs. */
  lastFailure: string | undefined;

  constructor(
    place: Place,
    native: string,
    options: { log: EmbeddedLog; settings?: Record<string, string>; stopPatienceMs?: number },
  ) {
    this.place = place;
    this.program = join(native, "bin/postgres");
    const settings = Object.entries({ ...settingsOf(place), ...options.settings });
    this.args = ["-D", place.data, ...settings.flatMap(([name, value]) => ["-c", `${name}=${value}`])];
    this.log = options.log;
    this.patienceMs = options.stopPatienceMs ?? 20_000;
  }

  /** True when a postmaster was already running. */
  async start(): Promise<boolean> {
    const running = readPostmasterFile(this.place.data)?.pid;
    const program = running && isAlive(running) ? postmasterProgram(running, this.place.data) : undefined;
    if (running && program === this.program && (await this.adopt(running))) return true;
    if (running && program) await this.end(running); // of another version: ours must open the files
    await this.clearLeftovers();
    await this.spawn();
    return false;
  }

  /** False when it ends, or is on its way to: PostgreSQL 18 can hang there, if it was told while it recovered. */
  private async adopt(pid: number): Promise<boolean> {
    const file = () => readPostmasterFile(this.place.data);
    const isOver = () => file()?.pid !== pid || !isAlive(pid);
    await waitFor(() => file()?.ready === true || file()?.stopping === true || isOver(), Number.POSITIVE_INFINITY, 5);
    if (isOver() || !file()?.ready) return false;
    this.pid = pid;
    this.log.info({ pid }, "postgres.adopted");
    return true;
  }

  private async clearLeftovers(): Promise<void> {
    // The pid in these may be another process by now, or a zombie that nobody reaps: PostgreSQL believes either.
    rmSync(join(this.place.data, "postmaster.pid"), { force: true });
    for (const name of [".s.PGSQL.5432", ".s.PGSQL.5432.lock"])
      rmSync(join(this.place.socketDir, name), { force: true });
    const strays = strayBackends(this.place.data);
    if (strays.length === 0) return;
    this.log.warn({ pids: strays }, "postgres.strays_ended");
    for (const pid of strays) kill(pid, "SIGKILL");
    await waitFor(() => strays.every((pid) => !isAlive(pid)), 10_000);
  }

  private async spawn(): Promise<void> {
    const output = openSync(this.startLog, "w", 0o600);
    const options = { ...identity(this.place), cwd: this.place.socketDir, detached: true };
    const child = spawn(this.program, this.args, { ...options, stdio: ["ignore", output, output] });
    closeSync(output);
    child.unref();
    const failed = new Promise<never>((_, reject) => child.once("error", reject));
    await Promise.race([this.untilReady(child), failed]);
    this.pid = child.pid!;
    this.log.info({ pid: child.pid }, "postgres.started");
  }

  private get startLog(): string {
    return join(this.place.directory, "start.log");
  }

  /** Recovery after a crash may take long, so only the end of the process ends the wait. */
  private async untilReady(child: ChildProcess): Promise<void> {
    const ended = () => child.exitCode !== null || child.signalCode !== null;
    const ready = () => {
      const file = readPostmasterFile(this.place.data);
      return file?.ready === true && file.pid === child.pid;
    };
    await waitFor(() => ready() || ended(), Number.POSITIVE_INFINITY, 5);
    if (ready()) return;
    throw new Error(`The embedded PostgreSQL in ${this.place.directory} did not start: ${this.lastWords()}`);
  }

  /** What it wrote before it opened its own log, or else the complaints of that. */
  private lastWords(): string {
    const early = readFileSync(this.startLog, "utf8").trim();
    if (!early.includes("redirecting log output")) return early || "it ended at once";
    const folder = join(this.place.data, "log");
    const logs = readdirSync(folder).map((name) => join(folder, name));
    const newest = logs.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0]!;
    const lines = readFileSync(newest, "utf8").trim().split("\n").slice(-20);
    return (
      lines
        .filter((line) => /(FATAL|PANIC|ERROR|HINT|DETAIL): /.test(line))
        .slice(-4)
        .join("\n") || lines.at(-1)!
    );
  }

  /** Whether the postmaster is gone, or goes within `patienceMs`. */
  ended(patienceMs: number): Promise<boolean> {
    return waitFor(() => !this.isRunning(), patienceMs);
  }

  /** By more than the pid where that is cheap: another process may have been given it. */
  private isRunning(): boolean {
    if (process.platform !== "linux") return isAlive(this.pid);
    return postmasterProgram(this.pid, this.place.data) !== undefined;
  }

  /** Restarts the postmaster whenever it is gone; the pool reconnects by itself. */
  watch(): void {
    this.watching = this.watchLoop();
  }

  private async watchLoop(): Promise<void> {
    const { signal } = this.stopping;
    for (let failures = 0; !signal.aborted; ) {
      await pause(failures === 0 ? 100 : Math.min(2_000, 200 * 2 ** failures), signal);
      if (signal.aborted || this.isRunning()) continue;
      if (failures === 0) this.log.error({ pid: this.pid }, "postgres.died");
      try {
        await this.start();
        if (failures > 0) this.log.info({ failures }, "postgres.restarted");
        failures = 0;
        this.lastFailure = undefined;
      } catch (error) {
        failures += 1;
        this.lastFailure = (error as Error).message;
        // Said once for a row of the same failures, a full disk for example.
        if (failures === 1) this.log.error({ err: error }, "postgres.restart_failed");
      }
    }
  }

  async unwatch(): Promise<void> {
    this.stopping.abort();
    await this.watching;
  }

  async stop(): Promise<void> {
    await this.unwatch();
    if (this.isRunning()) await this.end(this.pid);
    this.log.info({}, "postgres.stopped");
  }

  /** Fast shutdown; after a while without a checkpoint, which the next start then recovers from. */
  private async end(pid: number): Promise<void> {
    for (const [signal, patienceMs] of [
      ["SIGINT", this.patienceMs],
      ["SIGQUIT", this.patienceMs / 2],
      ["SIGKILL", this.patienceMs / 2],
    ] as const) {
      kill(pid, signal);
      if (await waitFor(() => !isAlive(pid), patienceMs)) return;
      this.log.warn({ pid, signal }, "postgres.does_not_stop");
    }
  }
}

/** Does not keep the program alive, since a failed start must be able to end; returns early when `signal` aborts. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal, ref: false }).catch(() => {});
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
