// Deadlines on the monotonic clock, as long as the format allows (30 days; a timer of Node ends at 24.8).
import type { Moment } from "../journal/journal.ts";

const longestTimerMs = 2 ** 31 - 1;

/** Milliseconds left of `limitMs` that began at `since`. Across a reboot only the wall clock can tell. */
export function remainingMs(since: Moment, limitMs: number, now: Moment): number {
  const elapsed = since.bootId === now.bootId ? now.monotonicMs - since.monotonicMs : now.atMs - since.atMs;
  return limitMs - Math.max(0, elapsed);
}

/** Calls back once `ms` have passed; returns how to call it off. */
export function startTimer(ms: number, action: () => void): () => void {
  let timer: NodeJS.Timeout;
  const arm = (left: number) => {
    const next = Math.min(Math.max(left, 0), longestTimerMs);
    timer = setTimeout(() => (left > next ? arm(left - next) : action()), next);
  };
  arm(ms);
  return () => clearTimeout(timer);
}
