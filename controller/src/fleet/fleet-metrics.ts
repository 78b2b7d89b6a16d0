// What /metrics shows of the fleet and of the database's history: counted in the database when scraped, so every
// controller tells the same. Built by grpc/agent-listeners.ts.
import { Gauge } from "prom-client";
import type { Context } from "../context.ts";
import { countAgentStates, sumAgentTroubles } from "./fleet-metric-queries.ts";
import { readDatabaseState } from "./pause-dispatch.ts";

const agentStates = ["online", "offline", "never_connected", "quarantined"];

export function registerFleetMetrics({ metrics, sql }: Pick<Context, "metrics" | "sql">): void {
  const registers = [metrics];
  new Gauge({
    name: "oc_agents",
    help: "Agents that are not revoked, by state.",
    labelNames: ["state"],
    registers,
    async collect() {
      const counts = new Map((await countAgentStates(sql)).map(({ state, n }) => [state, Number(n)]));
      for (const state of agentStates) this.set({ state }, counts.get(state) ?? 0);
    },
  });
  const journals = new Gauge({
    name: "oc_agents_journal_failed",
    help: "Agents whose journal cannot be written: they take no work until they are restarted.",
    registers,
  });
  const spooled = new Gauge({
    name: "oc_agents_unacknowledged_bytes",
    help: "Output that agents keep because no controller has acknowledged it, as of their last heartbeats.",
    registers,
  });
  new Gauge({
    name: "oc_agents_degraded",
    help: "Agents that say they take no work: a failed journal, a full disk.",
    registers,
    async collect() {
      const { degraded, journalFailed, spooledBytes } = await sumAgentTroubles(sql);
      this.set(Number(degraded));
      journals.set(Number(journalFailed));
      spooled.set(Number(spooledBytes));
    },
  });
  const generation = new Gauge({
    name: "oc_database_generation",
    help: "Raised each time an operator accepts a restored database.",
    registers,
  });
  new Gauge({
    name: "oc_dispatch_paused",
    help: "1: agents know the database further on than it is; nothing is offered until an operator accepts it.",
    registers,
    async collect() {
      const state = await readDatabaseState({ sql });
      this.set(state.paused ? 1 : 0);
      generation.set(state.generation);
    },
  });
}
