// The local agent as a process: started detached so that it outlives this controller, found again by what its pid file
// says. Used by local-agent.ts.
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { processStart } from "../process-start.ts";
import { version } from "../version.ts";

const program = fileURLToPath(new URL("../../../agent/src/main.ts", import.meta.url));
const mostLogBytes = 10 * 1024 * 1024;
const stopWithinMs = 5_000;

interface PidFile {
  pid: number;
  /** Tells it from another process that was given the same pid later. */
  startedAt: string;
  /** How it was started: one that was started otherwise is replaced, not adopted. */
  launch: string;
}

export interface Launch {
  /** host:port of EnrollmentService and of AgentService, as this machine reaches them. */
  server: string;
  dial: string;
  /** A join token for one that has no identity yet. */
  token: string | undefined;
}

export class LocalAgentProcess {
  readonly stateDir: string;
  readonly #folder: string;

  constructor(dataDir: string) {
    this.#folder = join(dataDir, "local-agent");
    this.stateDir = join(this.#folder, "state");
  }

  /** The id that it enrolled as; undefined when it never did. */
  agentId(): string | undefined {
    try {
      return (JSON.parse(readFileSync(join(this.stateDir, "identity.json"), "utf8")) as { agentId: string }).agentId;
    } catch {
      return undefined; // never enrolled, or not to the end
    }
  }

  /** Its identity is of another database: kept aside for whoever misses it, never used. */
  setIdentityAside(now: Date): void {
    renameSync(this.#folder, `${this.#folder}.${now.toISOString().replaceAll(":", "-")}`);
  }

  /** The pid of the one that runs, as long as it was started in the same way. */
  running(launch: Launch): number | undefined {
    const file = this.#read();
    return file && isAlive(file) && file.launch === describe(launch) ? file.pid : undefined;
  }

  start(launch: Launch): number {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const log = openSync(this.#logPath(), "a", 0o600);
    try {
      const args = ["run", "--state-dir", this.stateDir, "--server", launch.server, "--dial", launch.dial];
      const child = spawn(process.execPath, ["--max-semi-space-size=1", program, ...args, "--join", "-"], {
        cwd: "/",
        detached: true,
        env: environment(),
        stdio: ["pipe", log, log],
      });
      child.on("error", () => {}); // seen as not running
      child.stdin!.on("error", () => {}); // it ended before it read
      child.stdin!.end(launch.token ?? "");
      child.unref();
      const pid = child.pid ?? 0;
      this.#write({ pid, startedAt: processStart(pid) ?? "", launch: describe(launch) });
      return pid;
    } finally {
      closeSync(log);
    }
  }

  /** Resolves when it has ended; its steps go on under their supervisors. */
  async stop(): Promise<void> {
    const file = this.#read();
    if (!file || !isAlive(file)) return;
    process.kill(file.pid, "SIGTERM");
    const deadline = performance.now() + stopWithinMs;
    while (isAlive(file) && performance.now() < deadline) await sleep(20);
    if (isAlive(file)) process.kill(file.pid, "SIGKILL");
    rmSync(this.#pidPath(), { force: true });
  }

  #read(): PidFile | undefined {
    try {
      return JSON.parse(readFileSync(this.#pidPath(), "utf8")) as PidFile;
    } catch {
      return undefined; // none, or half written by a controller that was killed: the agent's own lock keeps it single
    }
  }

  #write(file: PidFile): void {
    writeFileSync(this.#pidPath(), `${JSON.stringify(file)}\n`, { mode: 0o600 });
  }

  #pidPath(): string {
    return join(this.#folder, "agent.pid");
  }

  /** One file and the one before it. */
  #logPath(): string {
    const path = join(this.#folder, "agent.log");
    const { size } = statSync(path, { throwIfNoEntry: false }) ?? { size: 0 };
    if (size > mostLogBytes) renameSync(path, `${path}.1`);
    return path;
  }
}

function isAlive({ pid, startedAt }: PidFile): boolean {
  return pid > 0 && processStart(pid) === startedAt;
}

function describe({ server, dial }: Launch): string {
  return `${version} ${server} ${dial}`;
}

/** What a service manager would give it: nothing of the controller's own, which holds keys and passwords. */
function environment(): Record<string, string> {
  const { username, shell } = userInfo();
  return {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin",
    HOME: homedir(),
    USER: username,
    LOGNAME: username,
    SHELL: shell ?? "/bin/sh",
    LANG: "C.UTF-8",
    // As in deploy/agent/opsconductor-agent.sh: memory that was freed goes back.
    MALLOC_ARENA_MAX: "1",
    MALLOC_TRIM_THRESHOLD_: "65536",
  };
}
