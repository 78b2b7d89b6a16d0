// How many hellos are in work at once: when a whole fleet reconnects after a restart, the rest is asked to come later
// instead of queueing up behind the database. Used by connect.ts.

export interface HelloLimits {
  atOnce: number;
  mostWaiting: number;
}

export class Admission {
  readonly #atOnce: number;
  readonly #mostWaiting: number;
  readonly #random: () => number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(limits: HelloLimits, random: () => number = Math.random) {
    this.#atOnce = limits.atOnce;
    this.#mostWaiting = limits.mostWaiting;
    this.#random = random;
  }

  /** When to come back, spread over 1 to 10 s; undefined while there is room. */
  full(): number | undefined {
    return this.#waiting.length >= this.#mostWaiting ? Math.round(1000 + this.#random() * 9000) : undefined;
  }

  async run<T>(hello: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#atOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return await hello();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}
