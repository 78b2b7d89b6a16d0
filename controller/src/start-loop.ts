// A background duty that repeats until the controller stops; a failure is logged and the next round tries again. Used by
// automation.ts and audit-duties.ts.
import { setTimeout } from "node:timers/promises";
import type { Context } from "./context.ts";

/** Resolves when the signal of the context has ended it. `name` is the log's. */
export async function startLoop(
  { log, signal }: Pick<Context, "log" | "signal">,
  name: string,
  everyMs: number,
  round: () => Promise<unknown>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await round();
    } catch (error) {
      if (!signal.aborted) log.error({ err: error, duty: name }, "duty.failed");
    }
    await setTimeout(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
