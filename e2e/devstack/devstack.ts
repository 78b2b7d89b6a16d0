// A whole OpsConductor in a temporary folder: real controller with its embedded PostgreSQL and, if wanted, its local
// agent, on free ports. Used by the stories, the browser tests and the benchmarks.
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { freePorts } from "./free-ports.ts";
import {
  endProcessesNaming,
  type FoundProcess,
  processesNaming,
  type StartedProcess,
  startProcess,
} from "./processes.ts";
import { waitFor } from "./wait-for.ts";

export const repositoryRoot = dirname(dirname(import.meta.dirname));

export interface DevstackOptions {
  localAgent?: boolean;
  samples?: boolean;
  /** Known password of `admin`; without it the first start prints a random one, which must be changed. */
  adminPassword?: string;
  env?: Record<string, string>;
  /** Where the port of agents listens, when not on loopback only. */
  agentHost?: string;
  /** What is started, from the repository's root: the controller itself, or scripts/start.mjs as `npm start` does. */
  program?: string;
  /** Told every piece of the controllers' output as it comes. */
  onOutput?: (piece: string) => void;
}

export interface Devstack {
  readonly url: string;
  readonly folder: string;
  readonly dataDir: string;
  readonly agentAddress: string;
  readonly apiAddress: string;
  /** The controller that runs now, or ran last. */
  controller(): StartedProcess;
  /** What all controllers of this stack have written. */
  log(): string;
  /** Starts the controller on the same folder and ports, and waits until it answers. */
  startController(): Promise<void>;
  /** SIGTERM, and waits for a clean end. */
  stopController(): Promise<void>;
  /** SIGKILL: PostgreSQL and the local agent go on. */
  killController(): Promise<void>;
  /** Processes of this stack that run now, the controller and PostgreSQL included. */
  processes(): FoundProcess[];
  /** Kills what is left, whatever it is, and removes the folder. */
  discard(): Promise<void>;
  /** Stops everything and removes the folder. Throws when a clean stop left a process behind. */
  stop(): Promise<void>;
}

export async function startDevstack(options: DevstackOptions = {}): Promise<Devstack> {
  const folder = mkdtempSync(join(tmpdir(), "opsconductor-e2e-"));
  chmodSync(folder, 0o711); // as root, PostgreSQL runs as another user, which must be able to pass
  const [http, agent, api] = await freePorts(3);
  const stack = new Stack(folder, [http!, agent!, api!], options);
  try {
    await stack.startController();
    return stack;
  } catch (error) {
    await stack.discard();
    throw error;
  }
}

class Stack implements Devstack {
  readonly url: string;
  readonly folder: string;
  readonly dataDir: string;
  readonly agentAddress: string;
  readonly apiAddress: string;
  readonly #env: Record<string, string>;
  readonly #program: string;
  readonly #onOutput: ((piece: string) => void) | undefined;
  #controller: StartedProcess | undefined;
  #killed = false;

  constructor(folder: string, [http, agent, api]: [number, number, number], options: DevstackOptions) {
    this.folder = folder;
    this.dataDir = join(folder, "data");
    this.url = `http://127.0.0.1:${http}`;
    this.agentAddress = `127.0.0.1:${agent}`;
    this.apiAddress = `127.0.0.1:${api}`;
    this.#program = join(repositoryRoot, options.program ?? "controller/src/main.ts");
    this.#onOutput = options.onOutput;
    this.#env = {
      // Nothing of the caller's settings may reach the stack; HOME and PATH are what every login has.
      PATH: process.env.PATH ?? "/usr/bin:/bin",
      HOME: process.env.HOME ?? folder,
      TMPDIR: tmpdir(),
      OPSCONDUCTOR_DEVSTACK: folder, // found again by processesNaming, in everything that inherits it
      OC_DATA_DIR: this.dataDir,
      OC_HTTP_ADDR: `127.0.0.1:${http}`,
      OC_AGENT_ADDR: `${options.agentHost ?? "127.0.0.1"}:${agent}`,
      OC_API_ADDR: this.apiAddress,
      OC_LOCAL_AGENT: options.localAgent ? "1" : "0",
      OC_SAMPLES: options.samples ? "1" : "0",
      LOG_FORMAT: "json",
      ...(options.adminPassword === undefined ? {} : { OC_ADMIN_PASSWORD: options.adminPassword }),
      ...options.env,
    };
  }

  controller(): StartedProcess {
    if (!this.#controller) throw new Error("No controller was started");
    return this.#controller;
  }

  log(): string {
    return readFileSync(join(this.folder, "controller.log"), "utf8");
  }

  async startController(): Promise<void> {
    this.#killed = false;
    const logFile = join(this.folder, "controller.log");
    const controller = startProcess(process.execPath, [this.#program], {
      cwd: repositoryRoot,
      env: this.#env,
      logFile,
      ...(this.#onOutput ? { onOutput: this.#onOutput } : {}),
    });
    this.#controller = controller;
    const answers = async () => {
      if (controller.ended()) return "ended";
      // Its words come last, after the first account was made.
      return controller.output().includes(" is ready") && (await fetch(`${this.url}/health/live`)).ok
        ? "ready"
        : undefined;
    };
    const outcome = await waitFor("the controller to answer", answers, { timeoutMs: 60_000 });
    if (outcome === "ended") throw new Error(`The controller ended instead of answering:\n${controller.output()}`);
  }

  async stopController(): Promise<void> {
    const controller = this.controller();
    controller.kill("SIGTERM");
    const { code } = await controller.untilEnded(30_000);
    if (code !== 0) throw new Error(`The controller ended with ${code} after SIGTERM:\n${lastLines(controller)}`);
  }

  async killController(): Promise<void> {
    this.#killed = true;
    this.controller().kill("SIGKILL");
    await this.controller().untilEnded(10_000);
  }

  processes(): FoundProcess[] {
    return processesNaming(this.folder);
  }

  async stop(): Promise<void> {
    let left: FoundProcess[] = [];
    try {
      if (!this.controller().ended()) await this.stopController();
      if (!this.#killed)
        await waitFor("all processes to end", () => this.processes().length === 0, { timeoutMs: 5_000 }).catch(() => {
          left = this.processes();
        });
    } finally {
      await this.discard();
    }
    if (left.length > 0)
      throw new Error(`Left running by a clean stop:\n${left.map((p) => `${p.pid} ${p.command}`).join("\n")}`);
  }

  /** Ends what is left, whatever it is, and removes the folder. */
  async discard(): Promise<void> {
    await endProcessesNaming(this.folder);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

function lastLines(process: StartedProcess): string {
  return process.output().trimEnd().split("\n").slice(-20).join("\n");
}
