// Whether the database works, and why not, said once when it changes: in the log, on /health, in metrics. Fed by every
// transaction that fails and by a look each second; a part of open-context.ts.
import { statfs } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type DatabaseTrouble, databaseTrouble } from "@opsconductor/database/database-trouble";
import type { Logger } from "pino";
import { Counter, Gauge, type Registry } from "prom-client";
import type { HealthChecks, PartHealth } from "./health.ts";

export interface WatchedDatabase {
  /** Answers when the database does. */
  ping: () => Promise<void>;
  /** Of the embedded one: the folder of its files, and what its last start in vain said. */
  embedded: { directory: string; lastFailure: () => string | undefined } | undefined;
}

type Kind = DatabaseTrouble["kind"];

const lookEveryMs = 1000;
const patienceMs = 5000;
/** Trouble that no ping sees (a full disk still answers) is over when nothing met it for so long. */
const quietMs = 5000;
/** PostgreSQL needs a segment of its write-ahead log, 16 MiB, to write anything, and more to work. */
const leastFreeBytes = 64 * 1024 ** 2;

const words: Record<Kind, string> = {
  away: "PostgreSQL does not answer",
  full: "the disk of the database is full: free space where PostgreSQL keeps its files",
  broken: "PostgreSQL cannot read or write its files: look at its disk and its log",
  busy: "PostgreSQL has no connections or memory left",
};

export class DatabaseWatch {
  readonly #log: Logger;
  readonly #lost: Counter<"outcome">;
  #trouble: { kind: Kind; reason: string; since: number; met: number } | undefined;
  #lowBytes: number | undefined;
  #unsafe: string | undefined;
  #database: WatchedDatabase | undefined;

  constructor(log: Logger, metrics: Registry) {
    this.#log = log;
    const registers = [metrics];
    const watch = this;
    new Gauge({
      name: "oc_database_up",
      help: "1 while the database answers and takes writes.",
      registers,
      collect() {
        this.set(watch.#trouble ? 0 : 1);
      },
    });
    new Gauge({
      name: "oc_database_disk_full",
      help: "1 while writes fail because the disk of the database is full.",
      registers,
      collect() {
        this.set(watch.#trouble?.kind === "full" ? 1 : 0);
      },
    });
    this.#lost = new Counter({
      name: "oc_database_transactions_lost_total",
      help: "Transactions that lost their connection, by what is known of them: rolled back, or unknown.",
      labelNames: ["outcome"],
      registers,
    });
  }

  /** Looks until `signal` is aborted. */
  async run(database: WatchedDatabase, signal: AbortSignal): Promise<void> {
    this.#database = database;
    while (!signal.aborted) {
      await this.#look(database);
      await sleep(lookEveryMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Settings of the server under which a commit that was answered may still be lost. Called once, at the start. */
  noteSettings(settings: Record<string, string>): void {
    const off = Object.keys(settings).filter((name) => settings[name] === "off");
    if (off.length === 0) return;
    this.#unsafe = `${off.join(", ")} is off`;
    const what = "what was acknowledged is lost when PostgreSQL or its machine fails: switch it on";
    this.#log.error({ settings, what }, "database.not_durable");
  }

  /** Every error of a transaction; those that are about the work and not about the database are ignored. */
  heard(error: unknown): void {
    const trouble = databaseTrouble(error);
    if (!trouble) return;
    if (trouble.kind === "away") this.#lost.inc({ outcome: trouble.outcome });
    // One connection may be lost while the database works: the next look decides.
    else this.#enter(trouble.kind, (error as Error).message);
  }

  get trouble(): Kind | undefined {
    return this.#trouble?.kind;
  }

  register(health: HealthChecks): void {
    health.set("database", () => this.#health());
  }

  /** Looks again: a load balancer is not told what was true a second ago. */
  async #health(): Promise<PartHealth> {
    if (this.#database) await this.#look(this.#database);
    if (this.#trouble) return { status: "failing", detail: `${words[this.#trouble.kind]} (${this.#trouble.reason})` };
    if (this.#unsafe)
      return { status: "degraded", detail: `${this.#unsafe}: a failure of PostgreSQL loses what was acknowledged` };
    if (this.#lowBytes === undefined) return { status: "ok" };
    return { status: "degraded", detail: `the disk of the database has only ${megabytes(this.#lowBytes)} left` };
  }

  async #look({ ping, embedded }: WatchedDatabase): Promise<void> {
    const free = embedded && (await freeBytes(embedded.directory));
    this.#noteSpace(free !== undefined && free < leastFreeBytes ? free : undefined);
    const failure = await within(ping(), patienceMs).then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    if (failure) return this.#enter(this.#kindOf(failure), this.#database?.embedded?.lastFailure() ?? failure.message);
    const held = this.#trouble;
    if (!held || (held.kind !== "away" && performance.now() - held.met < quietMs)) return;
    this.#trouble = undefined;
    this.#log.info({ trouble: held.kind, ms: Math.round(performance.now() - held.since) }, "database.works_again");
  }

  /** A PostgreSQL that could not start again for want of space answers like one that is away. */
  #kindOf(failure: Error): Kind {
    if (/No space left on device/.test(this.#database?.embedded?.lastFailure() ?? "")) return "full";
    return databaseTrouble(failure)?.kind ?? "away";
  }

  #enter(kind: Kind, reason: string): void {
    const now = performance.now();
    const same = this.#trouble?.kind === kind;
    this.#trouble = { kind, reason, since: this.#trouble?.since ?? now, met: now };
    if (!same) this.#log.error({ trouble: kind, reason, what: words[kind] }, "database.trouble");
  }

  #noteSpace(low: number | undefined): void {
    if (low !== undefined && this.#lowBytes === undefined)
      this.#log.warn({ freeBytes: low, directory: this.#database?.embedded?.directory }, "database.disk_low");
    this.#lowBytes = low;
  }
}

async function freeBytes(directory: string): Promise<number | undefined> {
  const found = await statfs(directory).catch(() => undefined); // gone or not ours to look at: PostgreSQL will say it
  return found && found.bavail * found.bsize;
}

const megabytes = (bytes: number) => `${Math.round(bytes / 1024 ** 2)} MB`;

async function within(work: Promise<void>, ms: number): Promise<void> {
  const timer = Promise.withResolvers<never>();
  const timeout = setTimeout(() => timer.reject(new Error(`no answer in ${ms} ms`)), ms);
  work.catch(() => undefined); // a late failure is of no interest: this look is over
  await Promise.race([work, timer.promise]).finally(() => clearTimeout(timeout));
}
