// A background duty that runs again and again until the controller stops; used by the loops of this folder.
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../context.ts";

/** Waits `everyMs` after each turn; a turn that fails is logged and tried again, since the next one repairs it. */
export function repeat(ctx: Context, name: string, everyMs: number, turn: () => Promise<void>): Promise<void> {
  return (async () => {
    while (!ctx.signal.aborted) {
      await turn().catch((err: unknown) => {
        if (!ctx.signal.aborted) ctx.log.warn({ err, duty: name }, "duty.failed");
      });
      await sleep(everyMs, undefined, { signal: ctx.signal }).catch(() => {});
    }
  })();
}
