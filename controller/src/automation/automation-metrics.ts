// What /metrics shows of the work: queue, running, outcomes, time to dispatch. Built by automation.ts.
import { type AssignmentState, assignmentStates, isTerminal } from "@opsconductor/contract/states";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { Query } from "../context.ts";
import { countUnfinished } from "./execution-queries.ts";
import { countTroubled } from "./read-queries.ts";
import { registerWaitingMetrics } from "./waiting-metrics.ts";

export interface AutomationMetrics {
  finished: Counter<"state">;
  violations: Counter;
  mismatches: Counter;
  rewinds: Counter<"stream">;
  braked: Counter;
  batch: Histogram;
  dispatchSeconds: Histogram;
  outputBytes: Counter;
  gaps: Counter;
}

export function createAutomationMetrics(registry: Registry, sql: Query): AutomationMetrics {
  const registers = [registry];
  registerWaitingMetrics(registry, sql);
  new Gauge({
    name: "oc_assignments_unfinished",
    help: "Assignments that are not finished, by state; counted when scraped.",
    labelNames: ["state"],
    registers,
    async collect() {
      this.reset();
      // While the database is away the other figures matter most; oc_database_up says why this one is missing.
      const counts = await countUnfinished(sql).catch(() => []);
      for (const { state, n } of counts) this.set({ state }, Number(n));
    },
  });
  const overdue = new Gauge({
    name: "oc_assignments_overdue",
    help: "Past the timeout, asked to stop, and no answer yet.",
    registers,
  });
  const waiting = new Gauge({
    name: "oc_assignments_waiting_for_output",
    help: "Ended for longer than a minute, but not all output that the agent named is here.",
    registers,
  });
  new Gauge({
    name: "oc_assignments_unreachable",
    help: "Held by agents that have no connection now.",
    registers,
    async collect() {
      const troubles = await countTroubled(sql);
      this.set(Number(troubles.unreachable));
      overdue.set(Number(troubles.overdue));
      waiting.set(Number(troubles.waitingForOutput));
    },
  });
  const finished = new Counter({
    name: "oc_assignments_finished_total",
    help: "Assignments that reached a terminal state, by state.",
    labelNames: ["state"],
    registers,
  });
  // From 0, so that the first of its kind is an increase.
  for (const state of Object.keys(assignmentStates) as AssignmentState[])
    if (isTerminal(assignmentStates, state)) finished.inc({ state }, 0);
  return {
    gaps: new Counter({
      name: "oc_output_gaps_total",
      help: "Outputs that left bytes out at a limit.",
      registers,
    }),
    finished,
    violations: new Counter({
      name: "oc_agent_event_contradictions_total",
      help: "Events of agents that the state tables do not allow.",
      registers,
    }),
    mismatches: new Counter({
      name: "oc_output_mismatches_total",
      help: "Outputs whose stored bytes are not what the agent sent (sha256 differs).",
      registers,
    }),
    rewinds: new Counter({
      name: "oc_rewinds_total",
      help: "Holes in what an agent sent, so that it was asked to send again.",
      labelNames: ["stream"],
      registers,
    }),
    braked: new Counter({
      name: "oc_executions_braked_total",
      help: "Starts that the brake refused.",
      registers,
    }),
    batch: new Histogram({
      name: "oc_record_batch_seconds",
      help: "Time of one recording transaction.",
      buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2],
      registers,
    }),
    dispatchSeconds: new Histogram({
      name: "oc_dispatch_seconds",
      help: "From creating an execution to the agent's acceptance of an assignment.",
      buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2, 10, 60],
      registers,
    }),
    outputBytes: new Counter({ name: "oc_output_bytes_total", help: "Bytes of output stored.", registers }),
  };
}
