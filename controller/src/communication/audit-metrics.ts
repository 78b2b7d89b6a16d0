// What /metrics tells of the audit log: how far its chain is behind, and what contradicts it. Started by audit-duties.ts.
import { Gauge } from "prom-client";
import type { Context } from "../context.ts";
import { countOpenForks } from "./audit-fork-queries.ts";
import { selectChainLag } from "./audit-queries.ts";

export function registerAuditMetrics(ctx: Pick<Context, "metrics" | "sql">): void {
  measureLag(ctx);
  countForks(ctx);
}

function countForks({ metrics, sql }: Pick<Context, "metrics" | "sql">): void {
  new Gauge({
    name: "oc_audit_forks",
    help: "Contradictions between the audit log and what agents keep of it that nobody has settled; counted when scraped.",
    registers: [metrics],
    async collect() {
      const open = await countOpenForks(sql).catch(() => undefined); // oc_database_up says that it is away
      if (open !== undefined) this.set(open);
    },
  });
}

function measureLag({ metrics, sql }: Pick<Context, "metrics" | "sql">): void {
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
