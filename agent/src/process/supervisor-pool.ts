// Keeps a few supervisors started and waiting, each in a folder of its own: starting a process from a large one takes
// 3 to 5 ms, which a step then does not wait for. The runner takes one for each spawn of a try; when none fits, one is
// started on the spot. An agent that dies takes the waiting ones with it.
import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { removeFolderNow } from "../output/remove-folder.ts";
import { Supervisor } from "./supervisor.ts";

export interface PoolOptions {
  /** On the file system of the tries' folders. */
  stateFolder: string;
  script: string;
  bootId: string;
  size: number;
}

/** Started ahead, a supervisor takes in this much before it knows its limit. */
const firstBytes = 64 * 1024;
/** Not while a step starts: most are over by then, and the agent's own work goes first. */
const refillAfterMs = 10;

export class SupervisorPool {
  readonly #options: PoolOptions;
  readonly #ready: string;
  readonly #waiting: { supervisor: Supervisor; folder: string }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#ready = join(options.stateFolder, "ready");
    removeFolderNow(this.#ready);
    mkdirSync(this.#ready, { recursive: true, mode: 0o700 });
    this.#refillSoon();
  }

  /** A supervisor that waits in `folder`, which it brings along. Throws when the system refuses. */
  take(folder: string, headBytes: number): Supervisor {
    this.#refillSoon();
    while (headBytes >= firstBytes && this.#waiting.length > 0) {
      const { supervisor } = this.#waiting.shift()!;
      if (!supervisor.waits) continue;
      supervisor.moveTo(folder);
      return supervisor;
    }
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return this.#start(folder, Math.min(headBytes, firstBytes));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const { supervisor } of this.#waiting.splice(0)) supervisor.dismiss();
    removeFolderNow(this.#ready);
  }

  #start(folder: string, first: number): Supervisor {
    const { script, bootId } = this.#options;
    return new Supervisor({ folder, script, bootId, mark: randomUUID(), firstBytes: first });
  }

  #refillSoon(): void {
    if (this.#closed || this.#waiting.length >= this.#options.size) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#refill();
    }, refillAfterMs).unref();
  }

  // One a turn. What cannot be started ahead is started, or fails, when it is needed.
  #refill(): void {
    const folder = join(this.#ready, randomUUID());
    try {
      mkdirSync(folder, { mode: 0o700 });
      this.#waiting.push({ supervisor: this.#start(folder, firstBytes), folder });
    } catch {
      removeFolderNow(folder);
      return;
    }
    this.#refillSoon();
  }
}
