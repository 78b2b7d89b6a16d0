// Watches one running spawn from outside, the same whether this agent started it or found it: the kernel tells of each
// record (inotify), and a slow look stands behind for events that were dropped and supervisors that were killed.
import type { ChildProcess } from "node:child_process";
import { type FSWatcher, watch } from "node:fs";
import { isAlive } from "./process-identity.ts";
import { type ClaimRecord, type ExitRecord, hasEnded, readClaim, readExit } from "./try-records.ts";

export type SpawnEnd =
  | { kind: "exited"; exit: ExitRecord }
  /** No claim, or a torn one: the command never ran. */
  | { kind: "notStarted"; reason: string }
  /** The supervisor is gone without an exit record. */
  | { kind: "gone" };

export interface TryWatchEvents {
  claimed(claim: ClaimRecord): void;
  /** The command ended; its output may still be held open. */
  commandEnded(): void;
  output(): void;
  over(end: SpawnEnd): void;
}

const slowLookMs = 1000;

export class TryWatch {
  readonly folder: string;
  readonly #bootId: string;
  readonly #events: TryWatchEvents;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #claim: ClaimRecord | undefined;
  #spawnError = "";
  #supervisorExited = false;
  #isOurChild = false;
  #commandEnded = false;
  #over = false;

  constructor(folder: string, bootId: string, events: TryWatchEvents) {
    this.folder = folder;
    this.#bootId = bootId;
    this.#events = events;
  }

  get claim(): ClaimRecord | undefined {
    return this.#claim;
  }

  /** Call before the spawn, so that no record is missed. */
  open(): void {
    try {
      this.#watcher = watch(this.folder, (_event, file) => this.#onFile(file));
      this.#watcher.on("error", () => this.#poll(50));
    } catch {
      this.#poll(50); // the host's limit of watches is reached: look often instead
    }
    if (this.#timer === undefined) this.#poll(slowLookMs);
  }

  /** The supervisor is our child: its end is told by the kernel. */
  follow(child: ChildProcess): void {
    this.#isOurChild = true;
    child.on("error", (error) => {
      this.#spawnError = error.message;
      this.#onSupervisorExit();
    });
    child.on("exit", () => this.#onSupervisorExit());
    // While it waited for its start to be durable.
    if (child.exitCode !== null || child.signalCode !== null) this.#onSupervisorExit();
  }

  close(): void {
    this.#over = true;
    this.#watcher?.close();
    clearInterval(this.#timer);
  }

  /** Reads what is there. Cheap: a few small files. */
  look(): void {
    if (this.#over) return;
    this.#noteClaim();
    const exit = readExit(this.folder);
    if (exit !== undefined) {
      this.#finish({ kind: "exited", exit });
      return;
    }
    if (!this.#commandEnded && hasEnded(this.folder)) {
      this.#commandEnded = true;
      this.#events.commandEnded();
    }
    if (this.#supervisorIsGone()) this.#finish(this.#endWithoutRecord());
  }

  #onFile(file: string | null): void {
    if (this.#over) return;
    if (file === "head") this.#events.output();
    else if (file === null || file === "claim" || file === "code" || file === "exit") this.look();
  }

  #poll(everyMs: number): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      this.look();
      if (!this.#over) this.#events.output();
    }, everyMs);
  }

  #onSupervisorExit(): void {
    this.#supervisorExited = true;
    this.look();
  }

  #noteClaim(): void {
    if (this.#claim !== undefined) return;
    const claim = readClaim(this.folder);
    if (claim === undefined || claim === "torn") return;
    this.#claim = claim;
    this.#events.claimed(claim);
  }

  #supervisorIsGone(): boolean {
    if (this.#isOurChild) return this.#supervisorExited;
    return this.#claim !== undefined && !isAlive(this.#claim, this.#bootId);
  }

  #endWithoutRecord(): SpawnEnd {
    // It may have written its record between our two looks.
    const exit = readExit(this.folder);
    if (exit !== undefined) return { kind: "exited", exit };
    if (this.#claim !== undefined) return { kind: "gone" };
    return { kind: "notStarted", reason: this.#spawnError || "the supervisor ended before it began" };
  }

  #finish(end: SpawnEnd): void {
    if (this.#over) return;
    this.close();
    this.#events.over(end);
  }
}
