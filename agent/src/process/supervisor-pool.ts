// Keeps a few supervisors started and waiting, each in the folder of an attempt that is to come: to start a process out
// of a large one takes 3 to 5 ms and each new file 0.3 ms, which a step then does not wait for. The runner takes one for
// each spawn of a try; when none fits, one is started on the spot. An agent that dies takes the waiting ones with it.
import { randomUUID } from "node:crypto";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { removeFolder, removeFolderNow } from "../output/remove-folder.ts";
import { Supervisor } from "./supervisor.ts";

export interface PoolOptions {
  /** On the file system of the attempts' folders. */
  stateFolder: string;
  script: string;
  bootId: string;
  size: number;
  /** What an attempt's folder holds besides those of its tries. */
  folders: readonly string[];
  /** The most usual name of a try's folder. */
  tryName: string;
  /** Made ahead in the try's folder, empty: to fill a file costs a tenth of making it. */
  files: readonly string[];
}

interface Waiting {
  supervisor: Supervisor;
  /** Of the attempt to come; the try's is inside. */
  folder: string;
}

/** Started ahead, a supervisor takes in this much before it knows its limit. */
const firstBytes = 64 * 1024;
/** After a take, when nobody says that it is quiet: to start one holds the agent up for as long as it takes. */
const refillAfterMs = 100;
/** After an attempt's end, which is on its way to the controller by then. */
const refillWhenQuietMs = 2;

export class SupervisorPool {
  readonly #options: PoolOptions;
  readonly #ready: string;
  readonly #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#ready = join(options.stateFolder, "ready");
    removeFolderNow(this.#ready);
    this.#refillIn(refillWhenQuietMs);
  }

  /** An attempt is over: the best moment to start the next supervisor. */
  quiet(): void {
    this.#refillIn(refillWhenQuietMs);
  }

  /** A supervisor that waits in `folder`; its attempt's folder around it is complete. Throws when the system refuses. */
  take(folder: string, headBytes: number): Supervisor {
    this.#refillIn(refillAfterMs);
    while (headBytes >= firstBytes && this.#waiting.length > 0) {
      const waiting = this.#waiting.shift()!;
      if (waiting.supervisor.waits && this.#moveTo(folder, waiting)) return waiting.supervisor;
      waiting.supervisor.dismiss();
      removeFolder(waiting.folder);
    }
    this.#makeFolders(dirname(folder));
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return this.#start(folder, Math.min(headBytes, firstBytes));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const { supervisor } of this.#waiting.splice(0)) supervisor.dismiss();
    removeFolderNow(this.#ready);
  }

  #moveTo(folder: string, { supervisor, folder: from }: Waiting): boolean {
    supervisor.folder = folder;
    const attemptFolder = dirname(folder);
    // The attempt's first: everything at once. Fails when the attempt has a folder already.
    if (basename(folder) === this.#options.tryName && renames(from, attemptFolder)) return true;
    this.#makeFolders(attemptFolder);
    removeFolderNow(folder); // of an earlier life, which died before it recorded the start
    if (!renames(join(from, this.#options.tryName), folder)) return false;
    removeFolder(from);
    return true;
  }

  #makeFolders(attemptFolder: string): void {
    for (const name of this.#options.folders) mkdirSync(join(attemptFolder, name), { recursive: true, mode: 0o700 });
  }

  #start(folder: string, first: number): Supervisor {
    const { script, bootId } = this.#options;
    return new Supervisor({ folder, script, bootId, mark: randomUUID(), firstBytes: first });
  }

  #refillIn(ms: number): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#refill(), ms).unref();
  }

  // One a turn. What cannot be started ahead is started, or fails, when it is needed.
  #refill(): void {
    if (this.#waiting.length >= this.#options.size) return;
    const folder = join(this.#ready, randomUUID());
    const tryFolder = join(folder, this.#options.tryName);
    try {
      this.#makeFolders(folder);
      mkdirSync(tryFolder, { mode: 0o700 });
      for (const name of this.#options.files) writeFileSync(join(tryFolder, name), "", { mode: 0o600 });
      this.#waiting.push({ supervisor: this.#start(tryFolder, firstBytes), folder });
    } catch {
      removeFolderNow(folder);
      return;
    }
    this.#refillIn(refillWhenQuietMs);
  }
}

function renames(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch {
    return false; // the caller has another way
  }
}
