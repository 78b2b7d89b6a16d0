// Tells at once, on every controller, that a session, token or user ended or that somebody's rights changed: triggers of
// the database notify it when the change commits. What goes on for somebody (streams, waiting requests, downloads) is
// watched here, and looks by itself too, for a database may lie behind a pool that passes no notifications. Reached as
// `ctx.identity.changes`; the service is in main.ts's list.
import { setTimeout as sleep } from "node:timers/promises";
import { listen } from "@opsconductor/database/listen";
import type { Context } from "../context.ts";
import { logDutyFailure } from "../log-failure.ts";
import type { Service } from "../service.ts";
import { forgetSession } from "./authenticate.ts";

const channel = "identity_rights";
const againMs = 1000;

type Look = () => void;

export class RightsChanges {
  private readonly looks = new Map<string, Set<Look>>();

  /** `look` is called after each change that concerns the user; the answer ends that. */
  watch(userId: string, look: Look): () => void {
    const set = this.looks.get(userId) ?? new Set();
    this.looks.set(userId, set.add(look));
    return () => {
      set.delete(look);
      if (set.size === 0 && this.looks.get(userId) === set) this.looks.delete(userId);
    };
  }

  /** Of one user, or of everybody. */
  tell(userId?: string): void {
    const sets = userId === undefined ? [...this.looks.values()] : [this.looks.get(userId) ?? []];
    for (const look of sets.flatMap((set) => [...set])) look();
  }
}

export const rightsChanges: Service = {
  name: "rights changes",
  start(ctx) {
    const ended = hearAll(ctx);
    return { stop: () => ended };
  },
};

async function hearAll(ctx: Context): Promise<void> {
  while (!ctx.signal.aborted) {
    try {
      await hearUntilLost(ctx);
    } catch (error) {
      if (!ctx.signal.aborted) logDutyFailure(ctx.log, "identity.rights_changes", error);
    }
    await sleep(againMs, undefined, { signal: ctx.signal, ref: false }).catch(() => undefined);
  }
}

async function hearUntilLost(ctx: Context): Promise<void> {
  const { promise: aborted, resolve: abort } = Promise.withResolvers<void>();
  ctx.signal.addEventListener("abort", () => abort(), { once: true });
  const listening = await listen(ctx.sql, channel, (userId) => take(ctx, userId || undefined));
  try {
    take(ctx, undefined); // whatever was told while nobody heard
    ctx.log.debug("rights.heard");
    await Promise.race([listening.lost, aborted]);
  } finally {
    await listening.stop();
  }
}

function take(ctx: Context, userId: string | undefined): void {
  forgetSession(ctx, null);
  ctx.identity.changes.tell(userId);
}
