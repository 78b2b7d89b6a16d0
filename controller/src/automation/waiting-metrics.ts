// What /metrics shows of what waits: executions for people or for their turn, assignments for room or for their agent.
// Counted when scraped. Built by automation-metrics.ts.
import { Gauge, type Registry } from "prom-client";
import type { Query } from "../context.ts";
import { countWaitingExecutions, selectWaitingKeys } from "./count-queries.ts";
import { countWaiting } from "./limit-queries.ts";

/** More keys than a graph can show would only fill the memory of whoever scrapes. */
const maxKeys = 20;

export function registerWaitingMetrics(registry: Registry, sql: Query): void {
  const registers = [registry];
  new Gauge({
    name: "oc_executions_waiting",
    help: "Executions that wait: for an approval, for their turn by a concurrency key, or because somebody paused them.",
    labelNames: ["reason"],
    registers,
    async collect() {
      // While the database is away oc_database_up says why these figures stay.
      const counts = await countWaitingExecutions(sql).catch(() => undefined);
      for (const [reason, n] of Object.entries(counts ?? {})) this.set({ reason }, Number(n));
    },
  });
  new Gauge({
    name: "oc_executions_waiting_by_key",
    help: `Executions that wait for their turn, by concurrency key; the ${maxKeys} with the most.`,
    labelNames: ["key"],
    registers,
    async collect() {
      this.reset();
      for (const { key, n } of await selectWaitingKeys(sql, maxKeys).catch(() => [])) this.set({ key }, Number(n));
    },
  });
  new Gauge({
    name: "oc_assignments_waiting",
    help: "Assignments that may begin and wait: for room at their agent, for room on the fleet, or for their agent to connect.",
    labelNames: ["reason"],
    registers,
    async collect() {
      const waiting = await countWaiting(sql, sql`true`).catch(() => undefined);
      for (const reason of ["agent", "fleet", "away"] as const) if (waiting) this.set({ reason }, waiting[reason]);
    },
  });
}
