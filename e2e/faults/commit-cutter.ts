// Decides, from a seed, which commits of the controller lose their answer, and counts them. Used by cutting-proxy.ts.
import type { PassingMessage, Verdict } from "@opsconductor/database/testing/postgres-proxy";
import type { Random } from "./random.ts";

export interface CutCounts {
  /** Commits that were asked for: of transactions, and of single statements that write. */
  commits: number;
  /** Done, and nobody was told. */
  "cut after": number;
  /** Cut off before the server saw them. */
  "cut before": number;
}

/** In memory that another thread may read: whether it cuts at all, and the three counts. */
const slots = { armed: 0, commits: 1, after: 2, before: 3 } as const;

export function countsOf(state: Int32Array): CutCounts {
  const at = (slot: number) => Atomics.load(state, slot);
  return { commits: at(slots.commits), "cut after": at(slots.after), "cut before": at(slots.before) };
}

export class CommitCutter {
  readonly #random: Random;
  readonly #share: number;
  readonly #state: Int32Array;
  /** Connections whose next answered commit is cut. */
  readonly #doomed = new Set<number>();

  constructor(random: Random, share: number, state: Int32Array) {
    this.#random = random;
    this.#share = share;
    this.#state = state;
  }

  decide({ from, type, statement, tag, connection, inTransaction }: PassingMessage): Verdict {
    if (Atomics.load(this.#state, slots.armed) === 0) return "pass";
    if (from === "client") return type === "E" && statement === "commit" ? this.#commitAsked(connection) : "pass";
    if (tag === "COMMIT" || tag === "ROLLBACK") return this.#answered(connection);
    // A write outside of a transaction commits by itself; the server has done so when it says what it did.
    if (inTransaction || !/^(INSERT|UPDATE|DELETE|MERGE) /.test(tag ?? "")) return "pass";
    Atomics.add(this.#state, slots.commits, 1);
    return this.#random.chance(this.#share) ? this.#cut(slots.after) : "pass";
  }

  #commitAsked(connection: number): Verdict {
    Atomics.add(this.#state, slots.commits, 1);
    this.#doomed.delete(connection);
    if (!this.#random.chance(this.#share)) return "pass";
    if (this.#random.chance(0.3)) return this.#cut(slots.before);
    this.#doomed.add(connection);
    return "pass";
  }

  #answered(connection: number): Verdict {
    return this.#doomed.delete(connection) ? this.#cut(slots.after) : "pass";
  }

  #cut(slot: number): Verdict {
    Atomics.add(this.#state, slot, 1);
    return this.#random.chance(0.5) ? "cut" : "reset";
  }
}
