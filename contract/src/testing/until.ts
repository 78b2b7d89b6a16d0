// Waits for a condition instead of for a while. For tests.
import { setTimeout as sleep } from "node:timers/promises";

type Wanted<T> = Exclude<T, undefined | null | false | "" | 0>;

/** What `condition` gives when it gives something; fails with `what` after 20 s. */
export async function until<T>(what: string, condition: () => T | Promise<T>): Promise<Wanted<T>> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const value = await condition();
    if (value) return value as Wanted<T>;
    if (performance.now() > deadline) throw new Error(`Waited in vain for ${what}.`);
    await sleep(5);
  }
}
