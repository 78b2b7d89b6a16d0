// Waits for a condition instead of for a while. Called by devstack.ts and the stories.
import { setTimeout } from "node:timers/promises";

/**
 * Calls `probe` until it returns something other than undefined, null or false, and returns that. What it throws counts
 * as "not yet" and is named when time is up.
 */
export async function waitFor<T>(
  what: string,
  probe: () => T | Promise<T>,
  options: { timeoutMs?: number; everyMs?: number } = {},
): Promise<NonNullable<Exclude<T, false>>> {
  const { timeoutMs = 40_000, everyMs = 25 } = options;
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined && value !== null && value !== false) return value as NonNullable<Exclude<T, false>>;
      last = value;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline)
      throw new Error(`Waited ${timeoutMs} ms for ${what}; the last answer was: ${String(last)}`, { cause: last });
    await setTimeout(everyMs);
  }
}
