// A background duty that repeats until the controller stops; a failure is logged and a round soon after tries again. Used
// by the duties of the domains.
import { setTimeout } from "node:timers/promises";
import type { Context } from "./context.ts";
import { logDutyFailure } from "./log-failure.ts";

/** A duty of once a day that met a database that was away does not wait for tomorrow. */
const againMs = 10_000;

/** Resolves when the signal of the context has ended it. `name` is the log's. */
export async function startLoop(
  { log, signal }: Pick<Context, "log" | "signal">,
  name: string,
  everyMs: number,
  round: () => Promise<unknown>,
): Promise<void> {
  while (!signal.aborted) {
    let pauseMs = everyMs;
    try {
      await round();
    } catch (error) {
      if (!signal.aborted) logDutyFailure(log, name, error);
      pauseMs = Math.min(everyMs, againMs);
    }
    await setTimeout(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
