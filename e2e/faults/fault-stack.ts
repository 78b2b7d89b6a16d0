// What the fault tests break: a controller with its embedded PostgreSQL and real agents, each brought back by a
// supervisor as systemd would when it ends, whoever ended it. Called by the commands of main.ts and their smoke tests.
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Agent } from "@opsconductor/contract/api/agents";
import { connect, type SocketConnection, type Sql } from "@opsconductor/database/connect";
import { readPostmasterFile, strayBackends } from "@opsconductor/database/embedded/processes";
import { Api } from "../devstack/api.ts";
import { type Devstack, type DevstackOptions, startDevstack } from "../devstack/devstack.ts";
import { ExtraAgent, type ExtraAgentOptions } from "../devstack/extra-agent.ts";
import { waitFor } from "../devstack/wait-for.ts";
import { ReliableApi } from "./reliable-api.ts";
import { installTransitions } from "./transitions.ts";

export const faultsPassword = "a-password-for-the-faults";

export interface FaultStackOptions extends DevstackOptions {
  agents: number;
  /** Of one agent, by its index: a namespace to start it in, an address of a proxy, an environment. */
  agentOptions?: (index: number, stack: Devstack) => ExtraAgentOptions;
  /** How long a supervisor waits before it starts what ended. */
  restartDelayMs?: () => number;
  /** False: what ends stays down until the caller starts it. */
  restart?: boolean;
  /** A PostgreSQL of the test's own, where the controller is given a DATABASE_URL. */
  server?: { owner: SocketConnection; data: string };
}

/** An end that nobody of the test asked for with a signal: the product ended by itself. */
export interface OwnEnd {
  who: string;
  code: number | null;
  at: Date;
  /** The last lines it wrote. */
  lastWords: string;
}

export async function startFaultStack(options: FaultStackOptions): Promise<FaultStack> {
  const stack = await startDevstack({ adminPassword: faultsPassword, ...options });
  const faults = new FaultStack(stack, options);
  try {
    await faults.begin();
    return faults;
  } catch (error) {
    await faults.stop().catch(() => {});
    throw error;
  }
}

/** Stacks that are up: who interrupts a fault test stops them, for their processes live in sessions of their own. */
export const runningStacks = new Set<{ stop(): Promise<void> }>();

export class FaultStack {
  readonly stack: Devstack;
  readonly agents: ExtraAgent[];
  readonly api: ReliableApi;
  /** Ends nobody asked for, of controller and agents. */
  readonly ownEnds: OwnEnd[] = [];
  /** Where the steps write their ledger. */
  readonly ledgerFile: string;
  readonly #options: FaultStackOptions;
  readonly #stopping = new AbortController();
  readonly #supervisors: Promise<void>[] = [];
  #controllerIsUp = true;
  #owner: Sql | undefined;

  constructor(stack: Devstack, options: FaultStackOptions) {
    this.stack = stack;
    this.#options = options;
    runningStacks.add(this);
    const { agents, agentOptions } = options;
    this.agents = Array.from(
      { length: agents },
      (_, index) => new ExtraAgent(stack, `host-${index + 1}`, agentOptions?.(index, stack)),
    );
    this.api = this.apiOf("admin");
    mkdirSync(join(stack.folder, "evidence"));
    this.ledgerFile = join(stack.folder, "evidence", "ledger");
  }

  /** As another user, whose password is that of the tests, too. */
  apiOf(username: string): ReliableApi {
    return new ReliableApi(() => Api.signIn(this.stack.url, username, faultsPassword), this.#stopping.signal);
  }

  /** Enrols and starts the agents, installs the triggers, and begins to bring back what ends. */
  async begin(): Promise<void> {
    await installTransitions(this.owner(), "opsconductor_app");
    for (const agent of this.agents) {
      const { token } = await this.api.call<{ token: string }>("POST", "/api/v1/enrollment-tokens", {});
      const { code, output } = agent.enroll(token);
      if (code !== 0) throw new Error(`${agent.name} could not be enrolled: ${output}`);
      agent.start();
    }
    await this.untilOnline();
    if (this.#options.restart === false) return;
    this.#supervisors.push(this.#superviseController(), ...this.agents.map((agent) => this.#superviseAgent(agent)));
  }

  get targets(): string[] {
    return this.agents.map((agent) => agent.name);
  }

  /** The controller answers, or did when somebody looked last. */
  get controllerIsUp(): boolean {
    return this.#controllerIsUp;
  }

  /** So many agents (all, unless told) are connected, as the controller sees it. */
  async untilOnline(timeoutMs = 60_000, count = this.agents.length): Promise<void> {
    await waitFor(
      `${count} agents to be online`,
      async () => {
        const { items } = await this.api.call<{ items: Agent[] }>("GET", "/api/v1/agents");
        return items.filter((agent) => agent.state === "online").length >= count;
      },
      { timeoutMs, everyMs: 200 },
    );
  }

  /** A connection of the database's owner that nothing of the product uses. It breaks when PostgreSQL does. */
  owner(): Sql {
    this.#owner ??= connect(this.ownerConnection(), { max: 3, applicationName: "faults" });
    return this.#owner;
  }

  /** After PostgreSQL was killed: a connection that was never lost. */
  async freshOwner(): Promise<Sql> {
    await this.#owner?.end({ timeout: 1 }).catch(() => {});
    this.#owner = undefined;
    return this.owner();
  }

  ownerConnection(): SocketConnection {
    if (this.#options.server) return this.#options.server.owner;
    const { directory, ownerPassword: secret } = this.#place();
    const [socketDir, name] = [socketDirOf(directory), "opsconductor"];
    return { socketDir, database: name, username: name, password: secret };
  }

  postmasterPid(): number | undefined {
    return readPostmasterFile(this.#dataFolder())?.pid;
  }

  /** Where the database is, for another controller. */
  database(): { socket: string; appPassword: string; ownerPassword: string } {
    const { directory, appPassword, ownerPassword } = this.#place();
    return { socket: join(socketDirOf(directory), ".s.PGSQL.5432"), appPassword, ownerPassword };
  }

  /** Pids of everything that is PostgreSQL. */
  serverPids(): number[] {
    const postmaster = this.postmasterPid();
    const others = strayBackends(this.#dataFolder()).filter((pid) => pid !== postmaster);
    return postmaster === undefined ? others : [postmaster, ...others];
  }

  /** Pids of the server processes that serve the controller's connections. */
  backendPids(): number[] {
    return strayBackends(this.#dataFolder()).filter((pid) => commandOf(pid).startsWith("postgres: opsconductor_app "));
  }

  /** Folders of the spawns on one agent's host that still exist: `<fence>/<position>.<try>.<spawn>`. */
  spawnFolders(agent: ExtraAgent): string[] {
    const work = join(agent.stateDir, "host", "work");
    return list(work).flatMap((fence) =>
      list(join(work, fence))
        .filter((name) => /^\d+\.\d+\.\d+$/.test(name))
        .map((name) => join(work, fence, name)),
    );
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the fault test is over"));
    await this.#owner?.end({ timeout: 1 }).catch(() => {});
    await Promise.allSettled(this.#supervisors);
    await Promise.allSettled(this.agents.map((agent) => agent.stop("SIGKILL")));
    await this.stack.discard();
    runningStacks.delete(this);
  }

  async #superviseController(): Promise<void> {
    for (;;) {
      const controller = this.stack.controller();
      const { code, signal } = await this.#untilStopped(controller.untilEnded(24 * 3_600_000));
      if (this.#stopping.signal.aborted) return;
      this.#controllerIsUp = false;
      if (signal === null) this.#noteOwnEnd("controller", code, controller.output());
      await this.#restartPause();
      if (this.#stopping.signal.aborted) return;
      // One that is killed while it starts: the next round sees its end.
      await this.stack.startController().then(
        () => {
          this.#controllerIsUp = !this.stack.controller().ended();
        },
        () => {},
      );
    }
  }

  async #superviseAgent(agent: ExtraAgent): Promise<void> {
    for (;;) {
      const { code, signal } = await this.#untilStopped(agent.untilEnded(24 * 3_600_000));
      if (this.#stopping.signal.aborted) return;
      if (signal === null) this.#noteOwnEnd(agent.name, code, agent.log());
      await this.#restartPause();
      if (!this.#stopping.signal.aborted) agent.start();
    }
  }

  #noteOwnEnd(who: string, code: number | null, output: string): void {
    this.ownEnds.push({ who, code, at: new Date(), lastWords: output.trimEnd().split("\n").slice(-8).join("\n") });
  }

  async #restartPause(): Promise<void> {
    await sleep(this.#options.restartDelayMs?.() ?? 100, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }

  #untilStopped<T>(work: Promise<T>): Promise<T | { code: null; signal: null }> {
    const { signal } = this.#stopping;
    const stopped = new Promise<{ code: null; signal: null }>((done) => {
      if (signal.aborted) done({ code: null, signal: null });
      signal.addEventListener("abort", () => done({ code: null, signal: null }), { once: true });
    });
    return Promise.race([work, stopped]);
  }

  #dataFolder(): string {
    if (this.#options.server) return this.#options.server.data;
    return join(this.#place().directory, "data");
  }

  #place(): { directory: string; ownerPassword: string; appPassword: string } {
    const record = JSON.parse(readFileSync(join(this.stack.dataDir, "postgres.json"), "utf8"));
    return { ...record, directory: resolve(this.stack.dataDir, record.directory) };
  }
}

function socketDirOf(directory: string): string {
  const inside = join(directory, "run");
  if (!existsSync(inside)) throw new Error(`PostgreSQL's socket is not in ${inside}: choose a shorter TMPDIR`);
  return inside;
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    return ""; // gone meanwhile
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // not there yet, or gone meanwhile
  }
}
