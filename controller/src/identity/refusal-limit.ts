// How many refusals of one caller, and of all, are written down: a flood of them must not fill the audit log, and must not
// go unseen in it either. What is left out is counted, and the next row that is written says how much that was.

interface Level {
  rows: number;
  at: number;
  unrecorded: number;
}

const ofCaller = { burst: 20, perMs: 1 / 10_000 };
const ofAll = { burst: 500, perMs: 20 / 1_000 };
/** Beyond this many callers those who are quiet the longest are forgotten, with what they left out. */
const maxCallers = 20_000;

export class RefusalLimit {
  readonly #callers = new Map<string, Level>();
  readonly #now: () => number;
  #all: Level;

  constructor(now: () => number) {
    this.#now = now;
    this.#all = { rows: ofAll.burst, at: now(), unrecorded: 0 };
  }

  /** How many of this caller were left out before, when this one shall be written; undefined when it shall not. */
  admit(caller: string): number | undefined {
    const now = this.#now();
    const known = this.#callers.get(caller) ?? { rows: ofCaller.burst, at: now, unrecorded: 0 };
    const level = { ...filled(known, ofCaller, now) };
    this.#all = filled(this.#all, ofAll, now);
    const admitted = level.rows >= 1 && this.#all.rows >= 1;
    const { unrecorded } = level;
    if (admitted) {
      level.rows -= 1;
      this.#all.rows -= 1;
    }
    level.unrecorded = admitted ? 0 : unrecorded + 1;
    this.#callers.delete(caller);
    this.#callers.set(caller, level);
    if (this.#callers.size > maxCallers) this.#callers.delete(this.#callers.keys().next().value!);
    return admitted ? unrecorded : undefined;
  }
}

function filled(level: Level, { burst, perMs }: typeof ofAll, now: number): Level {
  return { ...level, rows: Math.min(burst, level.rows + (now - level.at) * perMs), at: now };
}
