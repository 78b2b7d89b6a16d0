// Removes the oldest rows of the audit log when a retention is configured, and leaves a signed anchor from which the rest
// proves itself. Called by audit-duties.ts every few minutes; any number of controllers may.
import { type Context, systemActor } from "../context.ts";
import { writeAudit } from "./audit.ts";
import { pruneRows, selectPrunable, tryLockChain } from "./audit-chain-queries.ts";
import { chainTime } from "./chain-audit.ts";
import { type CheckpointKey, signAnchor } from "./checkpoints.ts";

/** Of one round: more would hold the appender up. */
const batch = 5_000;
const dayMs = 86_400_000;

/** Returns how many rows were removed: after a full batch there may be more. */
export async function pruneAudit(ctx: Context, key: CheckpointKey, days: number): Promise<number> {
  const cutoff = new Date(ctx.now().getTime() - days * dayMs);
  return await ctx.sql.begin(async (tx) => {
    if (!(await tryLockChain(tx))) return 0;
    const last = await selectPrunable(tx, cutoff, batch);
    if (!last) return 0;
    const anchor = signAnchor(key, ctx.clusterId, { ...last, at: chainTime(ctx.now()) });
    const removed = Number(await pruneRows(tx, anchor));
    await writeAudit(ctx, tx, systemActor, {
      action: "audit.pruned",
      object: { kind: "audit", id: ctx.clusterId },
      detail: { removed, through: String(last.position), hash: last.hash.toString("hex"), days },
    });
    return removed;
  });
}
