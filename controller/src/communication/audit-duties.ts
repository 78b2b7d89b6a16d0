// Keeps the audit log's chain up with the log, on every controller. In the list of services in main.ts.
import { Gauge } from "prom-client";
import type { Context } from "../context.ts";
import type { Service } from "../service.ts";
import { startLoop } from "../start-loop.ts";
import { selectChainLag } from "./audit-queries.ts";
import { chainAudit, writeCheckpoint } from "./chain-audit.ts";
import { loadCheckpointKey } from "./checkpoints.ts";

const everyMs = 500;

export const auditDuties: Service = {
  name: "audit chain",
  async start(ctx) {
    const key = await loadCheckpointKey(ctx);
    measureLag(ctx);
    const loop = startLoop(ctx, "audit.chain", everyMs, async () => {
      if ((await chainAudit(ctx)) > 0) ctx.live.publish({ kind: "changed", topic: "audit", ids: [] });
      await writeCheckpoint(ctx, key);
    });
    return { stop: () => loop };
  },
};

function measureLag({ metrics, sql }: Context): void {
  new Gauge({
    name: "oc_audit_chain_lag_seconds",
    help: "Age of the oldest audit row that is not chained yet; counted when scraped.",
    registers: [metrics],
    async collect() {
      const lag = await selectChainLag(sql).catch(() => undefined); // oc_database_up says that it is away
      if (lag) this.set(lag.seconds);
    },
  });
}
