// Tells open pages that targets changed. Called after the commit.
import type { Context } from "../context.ts";

export function publishTargets(ctx: Pick<Context, "live">, ids: string[]): void {
  ctx.live.publish({ kind: "changed", topic: "targets", ids });
}
