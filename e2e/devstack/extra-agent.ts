// Another agent beside the stack's local one, started by its command line as on any host. Used by stories and benchmarks.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { type Devstack, repositoryRoot } from "./devstack.ts";
import { type StartedProcess, startProcess } from "./processes.ts";

const program = join(repositoryRoot, "agent/src/main.ts");

export class ExtraAgent {
  readonly name: string;
  readonly #stack: Devstack;
  readonly #more: Record<string, string>;
  #running: StartedProcess | undefined;

  /** `environment`: besides what every agent gets. */
  constructor(stack: Devstack, name: string, environment: Record<string, string> = {}) {
    this.#stack = stack;
    this.#more = environment;
    this.name = name;
  }

  /** Runs one command of the agent to its end. */
  command(...args: string[]): { code: number | null; output: string } {
    const options = { env: this.#env, encoding: "utf8" } as const;
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args, ...this.#state], options);
    return { code: status, output: stdout + stderr };
  }

  enroll(token: string): { code: number | null; output: string } {
    return this.command("enroll", "--join", token, "--server", this.#stack.apiAddress, "--name", this.name);
  }

  start(): void {
    const logFile = join(this.#stack.folder, `${this.name}.log`);
    const options = { cwd: this.#stack.folder, env: this.#env, logFile };
    this.#running = startProcess(process.execPath, [program, "run", ...this.#state], options);
  }

  get pid(): number {
    if (!this.#running) throw new Error(`${this.name} was not started`);
    return this.#running.pid;
  }

  log(): string {
    return this.#running?.output() ?? "";
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (!this.#running || this.#running.ended()) return;
    this.#running.kill(signal);
    await this.#running.untilEnded(20_000);
  }

  /** Never the place of a real agent on this machine. */
  get #state(): string[] {
    return ["--state-dir", join(this.#stack.folder, this.name)];
  }

  get #env(): Record<string, string> {
    return {
      PATH: process.env.PATH ?? "/usr/bin:/bin",
      HOME: this.#stack.folder,
      OPSCONDUCTOR_DEVSTACK: this.#stack.folder,
      ...this.#more,
    };
  }
}
