// npm run chaos: kills controller, agents, supervisors and PostgreSQL under load, then judges whether every promise was
// kept. Called by main.ts and the smoke test.
import { planStrikes } from "./chaos-plan.ts";
import { checkInvariants, countChecked } from "./check-invariants.ts";
import { collectEvidence } from "./collect-evidence.ts";
import { parseOptions } from "./command-line.ts";
import type { Violation } from "./evidence.ts";
import { type FaultStack, startFaultStack } from "./fault-stack.ts";
import { Killer } from "./killer.ts";
import { createRandom, type Random } from "./random.ts";
import { finishReport, percentile, type Report } from "./report.ts";
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
  say?: (line: string) => void;
}

export async function chaosCommand(args: string[]): Promise<number> {
  const { seed, count: kills = 60, report, others } = parseOptions(args, "kills", ["steps"]);
  const steps = Number(others.steps ?? kills * 5);
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  say(`seed ${seed}: ${kills} kills over at least ${steps} steps`);
  return finishReport(await runChaos({ seed, kills, steps, say }), report);
}

export async function runChaos(options: ChaosOptions): Promise<Report> {
  const random = createRandom(options.seed);
  const restart = random.stream("restart");
  const faults = await startFaultStack({ agents: options.agents ?? 4, restartDelayMs: () => restart.int(0, 300) });
  try {
    return await attack(faults, options, random);
  } finally {
    await faults.stop();
  }
}

async function attack(faults: FaultStack, options: ChaosOptions, random: Random): Promise<Report> {
  const { kills, steps, say = () => {}, settleMs = 180_000 } = options;
  const startedAt = new Date();
  const began = performance.now();
  const workload = planWorkload(random.stream("workload"), { targets: faults.targets });
  await saveJobs(faults, workload);
  const feed = feedWork(faults, workload, () => 10);
  const killer = new Killer(faults);
  for (const strike of planStrikes(random.stream("strikes"), kills, faults.agents.length, () => [])) {
    await killer.carryOut(strike);
    if (strike.index % 20 === 0) say(`${clock(began)} ${killer.kills.length} kills, ${feed.steps} steps`);
  }
  const killedMs = performance.now() - began;
  while (feed.steps < steps) await new Promise((resolve) => setTimeout(resolve, 200));
  await feed.stop();
  const settled = await settle(faults, settleMs);
  say(`${clock(began)} ${settled.isSettled ? "settled" : `not settled: ${settled.leftovers.join("; ")}`}`);
  const { killedSpawns } = killer;
  const evidence = await collectEvidence(faults, { asked: feed.asked, killedSpawns, leftovers: settled.leftovers });
  const violations: Violation[] = checkInvariants(evidence);
  return {
    name: "chaos",
    about:
      "Processes killed with SIGKILL under load; afterwards database, output and the steps' own ledger are compared.",
    seed: options.seed,
    command: `npm run chaos -- --kills ${kills} --steps ${steps} --seed ${options.seed}`,
    ...{ startedAt, tookMs: performance.now() - began, tables: [], notes: [], violations },
    figures: {
      kills: killer.kills.length,
      ...countChecked(evidence),
      "ended by itself": faults.ownEnds.length,
      "seconds of killing": Math.round(killedMs / 1000),
      "seconds to settle": Math.round(settled.tookMs / 1000),
      "POST answered, p50 ms": Math.round(percentile(feed.answerMs, 0.5)),
    },
  };
}

const clock = (began: number) => `${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s`;
