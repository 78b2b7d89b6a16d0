// Another agent beside the stack's local one, started by its command line as on any host. Used by stories and benchmarks.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { type Devstack, repositoryRoot } from "./devstack.ts";
import { type StartedProcess, startProcess } from "./processes.ts";

const program = join(repositoryRoot, "agent/src/main.ts");

export interface ExtraAgentOptions {
  env?: Record<string, string>;
  /** Starts it through another program, such as `ip netns exec NAME`. */
  through?: string[];
  /** host:port to connect to instead of the stack's own address, such as a proxy's. */
  dial?: string;
  /** Told every piece of its output as it comes. */
  onOutput?: (piece: string) => void;
}

export class ExtraAgent {
  readonly name: string;
  readonly stateDir: string;
  readonly #stack: Devstack;
  readonly #options: ExtraAgentOptions;
  #running: StartedProcess | undefined;

  constructor(stack: Devstack, name: string, options: ExtraAgentOptions = {}) {
    this.#stack = stack;
    this.#options = options;
    this.name = name;
    this.stateDir = join(stack.folder, name);
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
    const { through = [], dial, onOutput } = this.#options;
    const options = { cwd: this.#stack.folder, env: this.#env, logFile, ...(onOutput ? { onOutput } : {}) };
    const [command, ...args] = [...through, process.execPath, program, "run", ...this.#state];
    this.#running = startProcess(command!, dial === undefined ? args : [...args, "--dial", dial], options);
  }

  /** How the process that runs now ended, once it has. */
  untilEnded(timeoutMs: number): ReturnType<StartedProcess["untilEnded"]> {
    if (!this.#running) throw new Error(`${this.name} was not started`);
    return this.#running.untilEnded(timeoutMs);
  }

  isRunning(): boolean {
    return this.#running !== undefined && !this.#running.ended();
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
    return ["--state-dir", this.stateDir];
  }

  get #env(): Record<string, string> {
    return {
      PATH: process.env.PATH ?? "/usr/bin:/bin",
      HOME: this.#stack.folder,
      OPSCONDUCTOR_DEVSTACK: this.#stack.folder,
      ...this.#options.env,
    };
  }
}
