// Shared ticking clocks, so that a hundred relative times on a page cost one timer; they stop when nobody reads.
import { createSubscriber } from "svelte/reactivity";

class Clock {
  readonly #subscribe: () => void;

  constructor(tickMs: number) {
    this.#subscribe = createSubscriber((update) => {
      const timer = setInterval(update, tickMs);
      return () => clearInterval(timer);
    });
  }

  /** Now, and again at each tick when read in a template or derived. */
  get nowMs(): number {
    this.#subscribe();
    return Date.now();
  }
}

export const secondClock = new Clock(1000);
export const slowClock = new Clock(30_000);
