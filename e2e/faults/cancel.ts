// npm run faults -- cancel: executions are cancelled around the moment in which their step ends, before it starts, in the
// pause before a retry, around finally; each must have one outcome that fits its exit record and the steps' own ledger,
// and nothing may survive. Called by main.ts and the smoke test.
import { setTimeout as sleep } from "node:timers/promises";
import { checkInvariants, countChecked } from "./check-invariants.ts";
import { collectEvidence } from "./collect-evidence.ts";
import { parseOptions } from "./command-line.ts";
import type { Evidence, Violation } from "./evidence.ts";
import { type FaultStack, startFaultStack } from "./fault-stack.ts";
import { findSurvivors, type Survivor } from "./find-survivors.ts";
import { tryKey } from "./ledger.ts";
import { kindOf, planRace, type RaceKind, raceJobs, raceKinds } from "./race-plan.ts";
import { createRandom } from "./random.ts";
import { finishReport, type Report, type ReportTable } from "./report.ts";
import { settle } from "./settle.ts";
import { feedWork, saveJobs } from "./submit-work.ts";

export interface CancelOptions {
  seed: string;
  /** Cancels that were sent. */
  times: number;
  agents?: number;
  settleMs?: number;
  say?: (line: string) => void;
}

export async function cancelCommand(args: string[]): Promise<number> {
  const { seed, count: times = 60, report } = parseOptions(args, "times");
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  say(`seed ${seed}: ${times} cancels`);
  return finishReport(await runCancel({ seed, times, say }), report);
}

export async function runCancel(options: CancelOptions): Promise<Report> {
  const faults = await startFaultStack({ agents: options.agents ?? 4, restart: false });
  try {
    return await race(faults, options);
  } finally {
    await faults.stop();
  }
}

async function race(faults: FaultStack, { seed, times, say = () => {}, settleMs = 120_000 }: CancelOptions) {
  const random = createRandom(seed).stream("races");
  const startedAt = new Date();
  const began = performance.now();
  await saveJobs(faults, { jobs: raceJobs });
  const pace = new Pace(faults);
  const execution = (index: number) => planRace(random, index, faults.targets, (kind) => pace.takesMs(kind));
  // Few at once: what is raced against is the end of a step, not the queue of this machine's processors.
  const feed = feedWork(faults, { execution }, () => faults.agents.length);
  const sent = () => feed.asked.filter((one) => one.cancelAskedAt !== undefined).length;
  for (let told = 0; sent() < times; ) {
    await sleep(100);
    await pace.measure();
    if (sent() - told < 100) continue;
    told = sent();
    say(`${Math.round((performance.now() - began) / 1000)} s: ${told} cancels`);
  }
  await feed.stop();
  const settled = await settle(faults, settleMs);
  const evidence = await collectEvidence(faults, { asked: feed.asked, leftovers: settled.leftovers });
  const survivors = survivorsOf(evidence, findSurvivors(faults.stack.folder));
  return reportOf(evidence, survivors, { seed, times, startedAt, began, sent: sent(), settledMs: settled.tookMs });
}

interface Run {
  seed: string;
  times: number;
  startedAt: Date;
  began: number;
  sent: number;
  settledMs: number;
}

function reportOf(evidence: Evidence, survivors: Violation[], run: Run): Report {
  const { seed, times, startedAt, began } = run;
  return {
    name: "cancel",
    about:
      "Cancels sent at random moments around the end of a step, before its start, in the pause before a retry and around finally. One outcome each, which fits exit record and ledger; nothing survives.",
    seed,
    command: `npm run faults -- cancel --times ${times} --seed ${seed}`,
    ...{ startedAt, tookMs: performance.now() - began },
    tables: [outcomeTable(evidence)],
    notes: [
      "The moments derive from the seed and from how long the same work takes on this machine when nobody cancels it, which is measured meanwhile.",
      "`cancel came first` and `the end came first` count by what became of the execution.",
    ],
    violations: [...checkInvariants(evidence), ...survivors],
    figures: {
      "cancels sent": run.sent,
      ...outcomes(
        evidence,
        evidence.asked.filter((one) => one.cancelAskedAt !== undefined).map((one) => one.executionId),
      ),
      ...countChecked(evidence),
      "seconds to settle": Math.round(run.settledMs / 1000),
    },
  };
}

/** How long executions take that nobody cancels, the newest of each kind. */
class Pace {
  readonly #faults: FaultStack;
  readonly #takesMs = new Map<RaceKind, number>();

  constructor(faults: FaultStack) {
    this.#faults = faults;
  }

  takesMs(kind: RaceKind): number {
    return this.#takesMs.get(kind) ?? 300;
  }

  async measure(): Promise<void> {
    const rows = await this.#faults.owner()<{ jobName: string; ms: number }[]>`
      select job_name, percentile_cont(0.5) within group (order by ms) as ms
      from (
        select job_name, extract(epoch from finished_at - created_at)::float8 * 1000 as ms,
          row_number() over (partition by job_name order by id desc) as age
        from automation.executions where finished_at is not null and cancel_requested_at is null
      ) newest
      where age <= 5 group by job_name`;
    for (const { jobName, ms } of rows) {
      const kind = raceKinds.find((one) => raceJobs[raceKinds.indexOf(one)]!.name === jobName);
      if (kind) this.#takesMs.set(kind, ms);
    }
  }
}

/** Of tries that were stopped; what a step that ended by itself leaves running on purpose is the host's. */
function survivorsOf(evidence: Evidence, found: readonly Survivor[]): Violation[] {
  const states = new Map(evidence.tries.map((row) => [tryKey(row), row.state]));
  return found.flatMap((survivor): Violation[] => {
    const state = states.get(tryKey(survivor));
    if (state === "succeeded" || state === "failed") return [];
    return [
      { invariant: 6, subject: `try ${tryKey(survivor)}`, what: `is ${state}, and its process ${survivor.pid} runs` },
    ];
  });
}

function outcomes(
  evidence: Evidence,
  executionIds: readonly string[],
): { "cancel came first": number; "the end came first": number } {
  const states = new Map(evidence.executions.map((row) => [row.id, row.state]));
  const cancelled = executionIds.filter((id) => states.get(id) === "cancelled").length;
  return { "cancel came first": cancelled, "the end came first": executionIds.length - cancelled };
}

function outcomeTable(evidence: Evidence): ReportTable {
  const rows = raceKinds.map((kind) => {
    const own = evidence.asked.filter((one) => kindOf(one.plan) === kind && one.cancelAskedAt !== undefined);
    const counted = outcomes(
      evidence,
      own.map((one) => one.executionId),
    );
    return [kind, own.length, ...Object.values(counted)];
  });
  return { title: "Who came first", columns: ["cancel", "sent", "cancel came first", "the end came first"], rows };
}
