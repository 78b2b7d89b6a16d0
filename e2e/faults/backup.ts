// npm run faults -- backup: a copy of the database is made, the agents work on, the copy is put back under them. Nothing
// may start twice, nothing may be offered before a person accepts, and what agents kept must come back. Called by main.ts
// and the smoke test.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { DatabaseState } from "@opsconductor/contract/api/system";
import { Api } from "../devstack/api.ts";
import { createJob, execute } from "../devstack/story.ts";
import { waitFor } from "../devstack/wait-for.ts";
import { parseOptions } from "./command-line.ts";
import type { Violation } from "./evidence.ts";
import { type FaultStack, faultsPassword, startFaultStack } from "./fault-stack.ts";
import { createRandom } from "./random.ts";
import { finishReport, type Report } from "./report.ts";

export interface BackupOptions {
  seed: string;
  times: number;
  say?: (line: string) => void;
}

const patience = { timeoutMs: 120_000 };
const queuedEach = 3;

export async function backupCommand(args: string[]): Promise<number> {
  const { seed, count: times = 20, report } = parseOptions(args, "times");
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  say(`seed ${seed}: ${times} restores`);
  return finishReport(await runBackup({ seed, times, say }), report);
}

export async function runBackup(options: BackupOptions): Promise<Report> {
  const startedAt = new Date();
  const faults = await startFaultStack({ agents: 2, restart: false });
  try {
    return await new Restores(faults, options).run(startedAt);
  } finally {
    await faults.stop();
  }
}

interface Outcome {
  id: string;
  state: string;
  counts: Record<string, number>;
}

class Restores {
  readonly #faults: FaultStack;
  readonly #options: BackupOptions;
  readonly #violations: Violation[] = [];
  readonly #outcomes: Outcome[] = [];

  constructor(faults: FaultStack, options: BackupOptions) {
    this.#faults = faults;
    this.#options = options;
  }

  async run(startedAt: Date): Promise<Report> {
    const { seed, times, say = () => {} } = this.#options;
    const random = createRandom(seed);
    const note = `echo "$OC_EXECUTION_ID" >> ${this.#faults.ledgerFile}`;
    const job = (name: string, script: string) =>
      `apiVersion: opsconductor/v1\nkind: Job\nname: ${name}\nsteps: [{ run: '${script}' }]\n`;
    await createJob(await this.#signIn(), job("short", note));
    const gate = `while [ ! -e ${this.#faults.stack.folder}/gate-$OC_EXECUTION_ID ]; do sleep 0.1; done`;
    await createJob(await this.#signIn(), job("long", `${note}; ${gate}`));
    for (let n = 1; n <= times; n++) {
      await this.#restoreOnce(n % 2 === 0 ? 0 : random.int(0, 3000)); // at once: nothing but the hello told the agents
      say(`${n} of ${times}: ${this.#violations.length} violations`);
    }
    const [starts, ended] = [this.#starts(), (state: string) => this.#outcomes.filter((o) => o.counts[state]).length];
    return {
      ...{ name: "backup", seed, startedAt, tookMs: Date.now() - startedAt.getTime(), tables: [], notes: [] },
      about: "An older copy of the database is put back under working agents; a person accepts it.",
      command: `npm run faults -- backup --seed ${seed} --times ${times}`,
      figures: {
        restores: times,
        "starts told by the steps": starts.length,
        executions: this.#outcomes.length,
        "whose outcome was told": ended("succeeded"),
        "that nobody can know (lost)": ended("lost"),
      },
      violations: this.#violations,
    };
  }

  async #restoreOnce(workOnMs: number): Promise<void> {
    const { stack, agents } = this.#faults;
    const [host, away] = agents as [(typeof agents)[0], (typeof agents)[0]];
    await away.stop("SIGKILL");
    const before = await this.#signIn();
    const long = await execute(before, "long", { targets: { names: [host.name] } });
    const queued = [];
    for (let i = 0; i < queuedEach; i++)
      queued.push(await execute(before, "short", { targets: { names: [away.name] } }));
    // Starts in the history that is lost, and still runs when the copy is back.
    const unknown = await execute(before, "long", { targets: { names: [away.name] } });
    const stillRunning = [long.id, unknown.id];
    const inBackup = [...stillRunning, ...queued.map((e) => e.id)];
    await waitFor("the long step", () => this.#starts().includes(long.id), patience);
    await stack.stopController();
    this.#copy("save");
    await stack.startController();
    away.start();
    await waitFor("the queued work", () => inBackup.every((id) => this.#starts().includes(id)), patience);
    await sleep(workOnMs);
    await stack.stopController();
    this.#copy("restore");
    const startsBefore = this.#starts().length;
    await stack.startController();
    const api = await this.#signIn();
    const stateOf = () => api.get<DatabaseState>("/api/v1/system/database");
    await waitFor("dispatch to be paused", async () => (await stateOf()).paused, patience);
    const created = await execute(api, "short", { targets: { names: [host.name] } });
    await sleep(2000);
    if (this.#starts().length !== startsBefore)
      this.#fail("a restored database", "offered work before it was accepted");
    await api.post("/api/v1/system/database/accept", { reason: "the test restored it" });
    for (const id of stillRunning) writeFileSync(join(stack.folder, `gate-${id}`), "");
    for (const id of inBackup) await this.#check(api, id, stillRunning.includes(id));
    await this.#check(api, created.id, true);
  }

  /** `isKnown`: its agent holds it, or it came after the restore, so its outcome must be told. */
  async #check(api: Api, id: string, isKnown: boolean): Promise<void> {
    const finished = async () => {
      const execution = await api.get<Outcome & { finishedAt: string | null }>(`/api/v1/executions/${id}`);
      return execution.finishedAt === null ? undefined : execution;
    };
    const outcome = await waitFor(`execution ${id} to end`, finished, patience).catch(() => undefined);
    if (!outcome) this.#fail(id, "never ended");
    else {
      if (isKnown && outcome.state !== "succeeded") this.#fail(id, `was to be told and is ${outcome.state}`);
      this.#outcomes.push(outcome);
    }
    const starts = this.#starts().filter((started) => started === id).length;
    if (starts > 1) this.#fail(id, `was started ${starts} times`);
  }

  #fail(subject: string, what: string): void {
    this.#violations.push({ invariant: 3, subject, what });
  }

  /** One line for each start, written by the steps themselves. */
  #starts(): string[] {
    const { ledgerFile } = this.#faults;
    return existsSync(ledgerFile) ? readFileSync(ledgerFile, "utf8").trim().split("\n") : [];
  }

  /** PostgreSQL is down: a plain copy of its files, as a backup of the file system would be. */
  #copy(what: "save" | "restore"): void {
    const { dataDir, folder } = this.#faults.stack;
    const { directory } = JSON.parse(readFileSync(join(dataDir, "postgres.json"), "utf8"));
    const data = join(resolve(dataDir, directory), "data");
    const backup = join(folder, "backup");
    const [from, to] = what === "save" ? [data, backup] : [backup, data];
    rmSync(to, { recursive: true, force: true });
    const { status, stderr } = spawnSync("cp", ["-a", from, to], { encoding: "utf8" }); // with the owners of the files
    if (status !== 0) throw new Error(`The database could not be copied: ${stderr}`);
  }

  async #signIn(): Promise<Api> {
    return await Api.signIn(this.#faults.stack.url, "admin", faultsPassword);
  }
}
