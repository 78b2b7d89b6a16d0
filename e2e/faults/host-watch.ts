// Sees what happens in the folders of one host's tries as it happens (inotify), so that a strike can be made at that very
// moment. Called by moments.ts; the product knows nothing of it.
import { type FSWatcher, mkdirSync, readdirSync, statSync, watch } from "node:fs";
import { join } from "node:path";

/** Files are named as the supervisor names them; a spawn's folder appears and goes. */
export type HostEvent = "attempt" | "spawn" | "claim" | "head" | "code" | "exit" | "gone";

export class HostWatch {
  readonly #work: string;
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #listeners = new Set<(event: HostEvent, folder: string) => void>();
  /** What was told already: a watch may be late, and then a look tells. */
  readonly #told = new Set<string>();

  constructor(stateDir: string) {
    this.#work = join(stateDir, "host", "work");
    mkdirSync(this.#work, { recursive: true, mode: 0o700 });
    this.#follow(this.#work, (name) => this.#onAttempt(join(this.#work, name)));
  }

  listen(listener: (event: HostEvent, folder: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #onAttempt(folder: string): void {
    if (!this.#follow(folder, (name) => this.#onSpawn(folder, name))) return;
    this.#tell("attempt", folder);
  }

  #onSpawn(attempt: string, name: string): void {
    if (!/^\d+\.\d+\.\d+$/.test(name)) return;
    const folder = join(attempt, name);
    if (this.#follow(folder, (file) => this.#onFile(folder, file))) this.#tell("spawn", folder);
    else if (this.#told.has(`spawn ${folder}`)) this.#tell("gone", folder);
  }

  #onFile(folder: string, file: string): void {
    if (file === "head" && sizeOf(join(folder, file)) === 0) return; // it is there before anything is written
    if (file === "claim" || file === "head" || file === "code" || file === "exit") this.#tell(file, folder);
  }

  #tell(event: HostEvent, folder: string): void {
    const fact = `${event} ${folder}`;
    if (this.#told.has(fact)) return;
    this.#told.add(fact);
    for (const listener of this.#listeners) listener(event, folder);
  }

  /** False when the folder is not there (any more). */
  #follow(folder: string, onName: (name: string) => void): boolean {
    const before = this.#watchers.get(folder);
    try {
      const names = readdirSync(folder);
      if (before) return true;
      const watcher = watch(folder, (_event, name) => name !== null && onName(name));
      watcher.on("error", () => this.#drop(folder));
      this.#watchers.set(folder, watcher);
      for (const name of new Set([...names, ...readdirSync(folder)])) onName(name);
      return true;
    } catch {
      this.#drop(folder);
      return false;
    }
  }

  #drop(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
