// Keeps the audit log's chain up with the log, on every controller. In the list of services in main.ts.
import type { Service } from "../service.ts";
import { startLoop } from "../start-loop.ts";
import { registerAuditMetrics } from "./audit-metrics.ts";
import { chainAudit, writeCheckpoint } from "./chain-audit.ts";
import { loadCheckpointKey } from "./checkpoints.ts";
import { pruneAudit } from "./prune-audit.ts";

const everyMs = 500;
/** A batch each time: five million rows a day. */
const pruneEveryMs = 60_000;

export const auditDuties: Service = {
  name: "audit chain",
  async start(ctx) {
    const key = await loadCheckpointKey(ctx);
    registerAuditMetrics(ctx);
    const loop = startLoop(ctx, "audit.chain", everyMs, async () => {
      if ((await chainAudit(ctx)) > 0) ctx.live.publish({ kind: "changed", topic: "audit", ids: [] });
      await writeCheckpoint(ctx, key);
    });
    const { auditDays } = ctx.config;
    const retention =
      auditDays === undefined
        ? undefined
        : startLoop(ctx, "audit.retention", pruneEveryMs, async () => {
            const removed = await pruneAudit(ctx, key, auditDays);
            if (removed > 0) ctx.log.info({ removed }, "audit.pruned");
          });
    return { stop: async () => void (await Promise.all([loop, retention])) };
  },
};
