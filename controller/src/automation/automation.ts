// The automation part of a running controller: dispatch, recording, and its background duties. Built once for the
// context by the start (or a test); `start` begins the loops that lifecycle.ts stops.

import { systemActor } from "../context.ts";
import type { AgentLink, Links } from "../fleet/agent-link.ts";
import type { Service } from "../service.ts";
import { startLoop } from "../start-loop.ts";
import { abandonUnreachable } from "./abandon-assignment.ts";
import { type AutomationWork, createAgentWork } from "./agent-work.ts";
import { type AutomationMetrics, createAutomationMetrics } from "./automation-metrics.ts";
import { cancelExecution } from "./cancel-execution.ts";
import { type AutomationBase, createDispatcher, type Dispatcher, dispatchPollMs } from "./dispatcher.ts";
import { FlowDriver, flowPollMs } from "./flow-driver.ts";
import { dropOldKeys, ensurePartitions } from "./history-upkeep.ts";
import { Lru } from "./lru.ts";
import { OutputHashes } from "./output-hashes.ts";
import { endRevokedWork, expireQueued, stopOverdue } from "./overdue-work.ts";
import type { Recorder, StageCache } from "./recorder.ts";

export interface Automation {
  /** Where the streams of agents are found: grpc/ says so when it listens. Until then every agent is elsewhere. */
  useLinks(links: Links): void;
  /** What grpc/ hands the words of agents to. */
  work: AutomationWork;
  dispatcher: Dispatcher;
  stages: StageCache;
  metrics: AutomationMetrics;
  flows: FlowDriver;
  /** By job: how many may be started until its unfinished executions are counted again; see brake.ts. */
  uncounted: Lru<string, number>;
  /** When somebody last read an output, so that following a log is one row of audit. */
  outputReaders: Lru<string, number>;
  /** Begins the background duties, which end with the context's signal. Resolves when history has its partitions. */
  start(): Promise<void>;
  /** Waits until what is under way is committed; call it after the signal was aborted and the streams are closed. */
  stop(): Promise<void>;
}

const expiryMs = 1000;
const timeoutMs = 5000;
const lostMs = 15_000;
const upkeepMs = 24 * 60 * 60_000;

export function createAutomation(ctx: AutomationBase): Automation {
  const links = new LateLinks();
  const dispatcher = createDispatcher(ctx, links);
  const stages: StageCache = new Lru(4096);
  const metrics = createAutomationMetrics(ctx.metrics, ctx.sql);
  const flows = new FlowDriver(ctx, dispatcher);
  const recorder: Recorder = {
    ...{ ctx, dispatcher, flows, metrics, stages },
    hashes: new OutputHashes(),
    awaitingOutput: new Lru(4096),
    rewound: new Lru(4096),
  };
  const work = createAgentWork(recorder);
  const loops: Promise<void>[] = [];
  const { lostAfterMs } = ctx.config;
  return {
    useLinks: (found) => links.use(found),
    work,
    dispatcher,
    stages,
    metrics,
    flows,
    uncounted: new Lru(4096),
    outputReaders: new Lru(4096),
    async start() {
      await ensurePartitions(ctx);
      loops.push(
        startLoop(ctx, "dispatch.poll", dispatchPollMs, () => dispatcher.poll()),
        startLoop(ctx, "flow.poll", flowPollMs, () => flows.poll()),
        startLoop(ctx, "assignment.expiry", expiryMs, () => expireQueued(ctx, metrics)),
        startLoop(ctx, "assignment.timeout", timeoutMs, () => stopOverdue(ctx, dispatcher)),
        startLoop(ctx, "assignment.revoked", timeoutMs, () => endRevokedWork(ctx, metrics)),
        ...(lostAfterMs === undefined
          ? []
          : [startLoop(ctx, "assignment.lost", lostMs, () => abandonUnreachable(ctx, metrics, lostAfterMs))]),
        startLoop(ctx, "history.upkeep", upkeepMs, async () => {
          await ensurePartitions(ctx);
          await dropOldKeys(ctx);
        }),
      );
    },
    async stop() {
      await Promise.all([...loops, flows.idle(), dispatcher.idle(), work.idle()]);
    },
  };
}

class LateLinks implements Links {
  #links: Links | undefined;

  use(links: Links): void {
    this.#links = links;
  }

  get(agentId: string): AgentLink | undefined {
    return this.#links?.get(agentId);
  }

  all(): Iterable<AgentLink> {
    return this.#links?.all() ?? [];
  }
}

/** For the list of services in main.ts. */
export const automationDuties: Service = {
  name: "automation",
  async start(ctx) {
    const { automation } = ctx;
    automation.flows.useCancel((execution, reason) => cancelExecution(ctx, systemActor, { execution, reason }));
    await automation.start();
    return { stop: () => automation.stop() };
  },
};
