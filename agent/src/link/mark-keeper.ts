// Remembers how far the controller's database had come, over restarts of this agent: a controller that knows less was
// restored from an older backup, and hello tells it so.
import type { DatabaseMark } from "@opsconductor/proto/opsconductor/agent/v1/agent";
import { isDiskTrouble, readText, writeDurably } from "./durable-file.ts";

const writeEveryMs = 60_000;

export class MarkKeeper {
  readonly #path: string;
  #highest: DatabaseMark | undefined;
  #written: DatabaseMark | undefined;
  #writtenAtMs = Number.NEGATIVE_INFINITY;

  constructor(path: string) {
    this.#path = path;
    const stored = readText(path);
    if (stored === undefined) return;
    const { systemId, generation, position, life = "", seal = "" } = JSON.parse(stored);
    this.#highest = { systemId, generation, position: BigInt(position), life, seal: Buffer.from(seal, "base64") };
    this.#written = this.#highest;
  }

  get highest(): DatabaseMark | undefined {
    return this.#highest;
  }

  hear(mark: DatabaseMark | undefined): void {
    if (!mark || !isHigher(mark, this.#highest)) return;
    const isNews = historyOf(mark) !== historyOf(this.#highest);
    this.#highest = mark;
    // Of one life of PostgreSQL a mark that is a minute old still tells a restored backup; a disk sync each heartbeat would
    // tell nothing more.
    if (isNews || performance.now() - this.#writtenAtMs > writeEveryMs) this.save();
  }

  /** What is forgotten after this was proven by a mark that is on disk. False: it could not be written, forget nothing. */
  keep(mark: DatabaseMark | undefined): boolean {
    this.hear(mark);
    if (this.#highest !== this.#written) this.save();
    return this.#highest === this.#written;
  }

  save(): void {
    if (!this.#highest) return;
    this.#writtenAtMs = performance.now();
    const { systemId, generation, position, life, seal } = this.#highest;
    const text = { systemId, generation, position: String(position), life, seal: Buffer.from(seal).toString("base64") };
    try {
      writeDurably(this.#path, `${JSON.stringify(text)}\n`);
      this.#written = this.#highest;
    } catch (error) {
      if (!isDiskTrouble(error)) throw error; // the one before stays, and a minute later this is tried again
    }
  }
}

/** Changes when PostgreSQL was started, and when a person accepted a restored database. */
function historyOf(mark: DatabaseMark | undefined): string {
  return mark ? [mark.systemId, mark.generation, mark.life].join(" ") : "";
}

function isHigher(mark: DatabaseMark, than: DatabaseMark | undefined): boolean {
  if (!than || mark.systemId !== than.systemId) return true;
  if (mark.generation !== than.generation) return mark.generation > than.generation;
  return mark.position > than.position;
}
