// npm run chaos: kills controller, agents, supervisors and PostgreSQL under load, then judges whether every promise was
// kept. Called by main.ts and the smoke test.
import { waitFor } from "../devstack/wait-for.ts";
import { LogFeed, type MomentSources } from "./await-moment.ts";
import { type Lane, planStrike, type Strike } from "./chaos-plan.ts";
import { chaosReport } from "./chaos-report.ts";
import { checkInvariants } from "./check-invariants.ts";
import { collectEvidence } from "./collect-evidence.ts";
import { parseOptions } from "./command-line.ts";
import { startFaultStack } from "./fault-stack.ts";
import { HostWatch } from "./host-watch.ts";
import { keepEvidence } from "./keep-evidence.ts";
import { Killer } from "./killer.ts";
import { momentsFor } from "./moments.ts";
import { createRandom, type Random } from "./random.ts";
import { finishReport, type Report } from "./report.ts";
import { settle } from "./settle.ts";
import { feedWork, saveJobs } from "./submit-work.ts";
import { planWorkload } from "./workload.ts";

export interface ChaosOptions {
  seed: string;
  kills: number;
  /** Work goes on until so many steps were asked for, also after the last kill. */
  steps: number;
  agents?: number;
  settleMs?: number;
  /** Where logs, ledger and rows go when something was violated. */
  keepIn?: string | undefined;
  say?: (line: string) => void;
}

export async function chaosCommand(args: string[]): Promise<number> {
  const { seed, count: kills = 60, report, others } = parseOptions(args, "kills", ["steps"]);
  const steps = Number(others.steps ?? kills * 5);
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  say(`seed ${seed}: ${kills} kills over at least ${steps} steps`);
  return finishReport(await runChaos({ seed, kills, steps, say, keepIn: report }), report);
}

export async function runChaos(options: ChaosOptions): Promise<Report> {
  const random = createRandom(options.seed);
  const restart = random.stream("restart");
  const log = new LogFeed();
  const faults = await startFaultStack({
    agents: options.agents ?? 5,
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
  const { kills, steps, say = () => {}, settleMs = 300_000 } = options;
  const { faults } = sources;
  const startedAt = new Date();
  const began = performance.now();
  const workload = planWorkload(random.stream("workload"), { targets: faults.targets });
  await saveJobs(faults, workload);
  const feed = feedWork(faults, workload, () => 32);
  const killer = new Killer(sources);
  const strikes = random.stream("strikes");
  const plan = (index: number) => planStrike(strikes, index, { agents: faults.agents.length, momentsFor });
  const progress = setInterval(
    () => say(`${clock(began)} ${killer.kills.length} of ${kills} kills, ${feed.steps} steps asked for`),
    15_000,
  );
  try {
    await Promise.all([
      strike(killer, plan, { lane: "hosts", kills }),
      strike(killer, plan, { lane: "center", kills }),
    ]);
    await waitFor("the steps to be asked for", () => feed.steps >= steps, { timeoutMs: 3_600_000, everyMs: 100 });
  } finally {
    clearInterval(progress);
  }
  const killingMs = performance.now() - began;
  await feed.stop();
  const settled = await settle(faults, settleMs);
  say(`${clock(began)} ${settled.isSettled ? "settled" : `not settled: ${settled.leftovers.join("; ")}`}`);
  const { killedSpawns } = killer;
  const evidence = await collectEvidence(faults, { asked: feed.asked, killedSpawns, leftovers: settled.leftovers });
  const violations = checkInvariants(evidence);
  if (violations.length > 0 && options.keepIn !== undefined) keepEvidence(faults, evidence, options.keepIn);
  return chaosReport({
    ...{ options, startedAt, tookMs: performance.now() - began, killingMs, settled, killer, violations },
    ...{ evidence, ownEnds: faults.ownEnds, answerMs: feed.answerMs },
  });
}

/** The strikes of one lane, in the order of the plan, until enough was killed. */
async function strike(
  killer: Killer,
  plan: (index: number) => Strike,
  of: { lane: Lane; kills: number },
): Promise<void> {
  for (let index = 0; killer.kills.length < of.kills; index++) {
    const next = plan(index);
    if (next.lane === of.lane) await killer.carryOut(next);
  }
}

const clock = (began: number) => `${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s`;
