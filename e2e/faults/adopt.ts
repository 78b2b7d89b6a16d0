// npm run faults -- adopt: kills agents while a long step and 1 s steps run on their hosts. Each must go on as the same
// process, be adopted by the next agent, and end with its true exit code and every byte. Called by main.ts and the smoke test.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ExtraAgent } from "../devstack/extra-agent.ts";
import { waitFor } from "../devstack/wait-for.ts";
import { checkInvariants, countChecked } from "./check-invariants.ts";
import { collectEvidence } from "./collect-evidence.ts";
import { parseOptions } from "./command-line.ts";
import type { Violation } from "./evidence.ts";
import { type FaultStack, startFaultStack } from "./fault-stack.ts";
import { type LedgerEntry, readLedger, tryKey } from "./ledger.ts";
import { createRandom, type Random } from "./random.ts";
import { finishReport, type Report } from "./report.ts";
import { settle } from "./settle.ts";
import { feedWork, saveJobs } from "./submit-work.ts";
import type { JobPlan, StepPlan, Workload } from "./workload.ts";

export interface AdoptOptions {
  seed: string;
  /** So many during a long step, and so many during a 1 s step; one kill may be both. */
  kills: number;
  agents: number;
  longSeconds: number;
  say?: (line: string) => void;
}

export async function adoptCommand(args: string[]): Promise<number> {
  const { seed, count: kills = 200, report } = parseOptions(args, "kills");
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  say(`seed ${seed}: ${kills} kills during long steps, ${kills} during steps of 1 s`);
  return finishReport(await runAdopt({ seed, kills, agents: 4, longSeconds: 25, say }), report);
}

export async function runAdopt(options: AdoptOptions): Promise<Report> {
  const random = createRandom(options.seed);
  const restart = random.stream("restart");
  const faults = await startFaultStack({ agents: options.agents, restartDelayMs: () => restart.int(0, 400) });
  try {
    return await attack(faults, options, random);
  } finally {
    await faults.stop();
  }
}

async function attack(faults: FaultStack, options: AdoptOptions, random: Random): Promise<Report> {
  const { seed, kills, agents, say = () => {} } = options;
  const startedAt = new Date();
  const began = performance.now();
  const workload = planAdoptable(faults, options.longSeconds);
  await saveJobs(faults, workload);
  const feed = feedWork(faults, workload, () => 3 * agents);
  const killed: KillCounts = { all: 0, long: 0, short: 0 };
  const progress = setInterval(() => say(`${JSON.stringify(killed)} kills, ${feed.steps} steps asked for`), 15_000);
  try {
    await Promise.all(faults.agents.map((agent) => killAgain(faults, agent, random.stream(agent.name), killed, kills)));
  } finally {
    clearInterval(progress);
    await feed.stop();
  }
  const settled = await settle(faults, 120_000);
  const evidence = await collectEvidence(faults, { asked: feed.asked, leftovers: settled.leftovers });
  return {
    name: "adopt",
    about: "Agents killed with SIGKILL while steps run on their hosts; nothing else is killed, so nothing may be lost.",
    seed,
    command: `npm run faults -- adopt --kills ${kills} --seed ${seed}`,
    ...{ startedAt, tookMs: performance.now() - began, tables: [] },
    notes: ["The pid is what the step writes at its start and at its end into a ledger of its own."],
    violations: [...checkInvariants(evidence), ...checkProcesses(evidence.ledger)],
    figures: {
      "kills of an agent": killed.all,
      "during a long step": killed.long,
      "during a step of 1 s": killed.short,
      "steps adopted": adoptions(faults),
      ...countChecked(evidence),
      "seconds to settle": Math.round(settled.tookMs / 1000),
    },
  };
}

interface KillCounts {
  all: number;
  long: number;
  short: number;
}

async function killAgain(
  faults: FaultStack,
  agent: ExtraAgent,
  random: Random,
  killed: KillCounts,
  kills: number,
): Promise<void> {
  const wanted = (step: string) => (step === "long" ? killed.long : killed.short) < kills;
  while (wanted("long") || wanted("short")) {
    await sleep(random.int(0, 900));
    const running = runningSteps(readLedger(faults.ledgerFile), agent.name);
    if (![...running].some(wanted) || !agent.isRunning()) continue;
    await agent.stop("SIGKILL");
    killed.all += 1;
    for (const step of ["long", "short"] as const) if (running.has(step)) killed[step] += 1;
    await waitFor(`${agent.name} to be started again`, () => agent.isRunning());
    // Most are left in peace until they have taken up what runs; some die while they do.
    if (random.chance(0.8)) await waitFor(`${agent.name} to connect`, () => agent.log().includes('"link.connected"'));
  }
}

/** Steps that have written their start and not their end. */
function runningSteps(ledger: readonly LedgerEntry[], target: string): Set<string> {
  const open = new Map<string, string>();
  for (const entry of ledger) {
    if (entry.target !== target) continue;
    if (entry.kind === "start") open.set(tryKey(entry), entry.step);
    else open.delete(tryKey(entry));
  }
  return new Set(open.values());
}

/** Nobody was killed but agents: every step that began has also ended, in the process that began it. */
function checkProcesses(ledger: readonly LedgerEntry[]): Violation[] {
  const started = new Map<string, number>();
  for (const entry of ledger) if (entry.kind === "start") started.set(tryKey(entry), entry.pid);
  const violations: Violation[] = [];
  for (const entry of ledger) {
    if (entry.kind !== "end") continue;
    const key = tryKey(entry);
    if (started.get(key) !== entry.pid)
      violations.push({
        invariant: "bar",
        subject: key,
        what: `began as ${started.get(key)} and ended as ${entry.pid}`,
      });
    started.delete(key);
  }
  for (const key of started.keys()) violations.push({ invariant: "bar", subject: key, what: "began and never ended" });
  return violations;
}

function adoptions(faults: FaultStack): number {
  const logs = faults.agents.map((agent) => readFileSync(join(faults.stack.folder, `${agent.name}.log`), "utf8"));
  return logs.reduce((sum, log) => sum + log.split('"try.adopted"').length - 1, 0);
}

/** On each host one long step and two of 1 s at any time. */
function planAdoptable(faults: FaultStack, longSeconds: number): Workload {
  const jobs = [
    job("long", { pieces: longSeconds * 4, pauseMs: 250, bytes: 1_000_000, output: "binary", shell: "sh" }),
    job("short", { pieces: 4, pauseMs: 250, bytes: 30_000, output: "text", shell: "none" }),
    job("short", { pieces: 10, pauseMs: 100, bytes: 300_000, output: "crlf", shell: "sh", failTries: 1 }, "failing"),
  ];
  const execution = (index: number) => {
    const target = faults.targets[Math.floor(index / jobs.length) % faults.targets.length]!;
    return {
      ...{ key: `adopt-${index}`, job: jobs[index % jobs.length]!, seed: `${index}`, targets: [target] },
      cancelAfterMs: undefined,
    };
  };
  return { jobs, execution };
}

function job(id: string, change: Partial<StepPlan>, name = id): JobPlan {
  const step: StepPlan = {
    ...{ id, phase: "steps", bytes: 0, output: "text", pieces: 1, pauseMs: 0, failTries: 0, retryMax: 0 },
    ...{ timeoutMs: undefined, continueOnError: false, idempotent: false, shell: "sh" },
    ...change,
  };
  return { name: `adopt-${name}`, limitBytes: 4 * 1024 ** 2, steps: [step] };
}
