// npm run chaos: kills controller, agents, supervisors and PostgreSQL under load, then judges whether every promise was
// kept. Called by main.ts and the smoke test.
import { setTimeout as sleep } from "node:timers/promises";
import { LogFeed, type MomentSources } from "./await-moment.ts";
import { type Lane, planStrike } from "./chaos-plan.ts";
import { chaosReport } from "./chaos-report.ts";
import { checkInvariants } from "./check-invariants.ts";
import { collectEvidence } from "./collect-evidence.ts";
import { parseOptions } from "./command-line.ts";
import { startFaultStack } from "./fault-stack.ts";
import { planFlows } from "./flow-plan.ts";
import { HostWatch } from "./host-watch.ts";
import { keepEvidence } from "./keep-evidence.ts";
import { Killer } from "./killer.ts";
import { momentsFor } from "./moments.ts";
import { createRandom, type Random } from "./random.ts";
import { finishReport, type Report } from "./report.ts";
import { settle } from "./settle.ts";
import { feedFlows } from "./submit-flows.ts";
import { feedWork, saveJobs, type WorkFeed } from "./submit-work.ts";
import { planWorkload } from "./workload.ts";

const defaultAgents = 5;

export interface ChaosOptions {
  seed: string;
  kills: number;
  /** Work goes on until so many steps were asked for, also after the last kill. */
  steps: number;
  agents?: number;
  /** Executions with stages, batches, approvals or turns at a time; 24 unless told. */
  flows?: number;
  /** Strikes of the plan that one lane may be ahead of the other; 10 unless told. */
  mostAhead?: number;
  /** No kill and no work after it, whatever is missing then. */
  limitMs?: number;
  settleMs?: number;
  /** Where logs, ledger and rows go when something was violated. */
  keepIn?: string | undefined;
  say?: (line: string) => void;
}

export async function chaosCommand(args: string[]): Promise<number> {
  const { seed, count: kills = 60, report, others } = parseOptions(args, "kills", ["steps", "minutes"]);
  const steps = Number(others.steps ?? kills * 5);
  const limitMs = Number(others.minutes ?? Number.POSITIVE_INFINITY) * 60_000;
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  say(`seed ${seed}: ${kills} kills over at least ${steps} steps`);
  return finishReport(await runChaos({ seed, kills, steps, limitMs, say, keepIn: report }), report);
}

export async function runChaos(options: ChaosOptions): Promise<Report> {
  const random = createRandom(options.seed);
  const restart = random.stream("restart");
  const log = new LogFeed();
  const faults = await startFaultStack({
    agents: options.agents ?? defaultAgents,
    restartDelayMs: () => restart.int(0, 300),
    onOutput: (piece) => log.take("controller", piece),
    agentOptions: (index) => ({ onOutput: (piece) => log.take(`host-${index + 1}`, piece) }),
  });
  const watches = faults.agents.map((agent) => new HostWatch(agent.stateDir));
  try {
    return await attack({ faults, watches, log }, options, random);
  } finally {
    for (const watch of watches) watch.close();
    await faults.stop();
  }
}

async function attack(sources: MomentSources, options: ChaosOptions, random: Random): Promise<Report> {
  const { faults } = sources;
  const startedAt = new Date();
  const began = performance.now();
  const workload = planWorkload(random.stream("workload"), { targets: faults.targets, maxBytes: 1024 ** 2 });
  const { flows: openFlows = 24 } = options;
  const flows = planFlows(random.stream("flows"), { targets: faults.targets, jobs: Math.ceil(openFlows * 1.5) });
  await saveJobs(faults, { jobs: [...workload.jobs, ...flows.jobs] });
  const feeds = [feedWork(faults, workload, () => 40), await feedFlows(faults, flows, openFlows)];
  const killer = new Killer(sources);
  const stepsUnderFire = await killUnderLoad(killer, feeds, options, random.stream("strikes"));
  const killingMs = performance.now() - began;
  await Promise.all(feeds.map((feed) => feed.stop()));
  const asked = feeds.flatMap((feed) => feed.asked);
  const settled = await settle(faults, options.settleMs ?? 300_000);
  options.say?.(settled.isSettled ? "settled" : `not settled: ${settled.leftovers.join("; ")}`);
  const { killedSpawns } = killer;
  const evidence = await collectEvidence(faults, { asked, killedSpawns, leftovers: settled.leftovers });
  const violations = checkInvariants(evidence);
  if (violations.length > 0 && options.keepIn !== undefined) keepEvidence(faults, evidence, options.keepIn);
  return chaosReport({
    ...{
      options,
      startedAt,
      tookMs: performance.now() - began,
      killingMs,
      stepsUnderFire,
      settled,
      killer,
      violations,
    },
    ...{ evidence, ownEnds: faults.ownEnds, answerMs: feeds.flatMap((feed) => feed.answerMs) },
  });
}

/** Until enough was killed and enough work asked for, or time is up. Returns the steps asked for by the last kill. */
async function killUnderLoad(
  killer: Killer,
  feeds: WorkFeed[],
  options: ChaosOptions,
  random: Random,
): Promise<number> {
  const { kills, steps, limitMs = Number.POSITIVE_INFINITY, agents = defaultAgents } = options;
  const { mostAhead = 10, say = () => {} } = options;
  const began = performance.now();
  const isOver = () => performance.now() - began > limitMs;
  const asked = () => feeds.reduce((sum, feed) => sum + feed.steps, 0);
  const progress = () => say(`${clock(began)} ${killer.kills.length} of ${kills} kills, ${asked()} steps asked for`);
  const timer = setInterval(progress, 15_000);
  const plan = (index: number) => planStrike(random, index, { agents, momentsFor });
  const isEnough = () => killer.kills.length >= kills || isOver();
  const reached: Record<Lane, number> = { hosts: 0, center: 0 };
  const strike = async (lane: Lane, other: Lane) => {
    for (let index = 0; !isEnough(); index++) {
      reached[lane] = index;
      // The centre takes longer to come back. If the hosts did not wait for it, hardly anything else would be struck.
      while (index > reached[other] + mostAhead && !isEnough()) await sleep(50);
      const next = plan(index);
      if (next.lane === lane) await killer.carryOut(next);
    }
  };
  try {
    await Promise.all([strike("hosts", "center"), strike("center", "hosts")]);
    const underFire = asked();
    progress();
    while (asked() < steps && !isOver()) await sleep(100);
    return underFire;
  } finally {
    clearInterval(timer);
  }
}

const clock = (began: number) => `${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s`;
