// Cancels that race with what they cancel: all of it from the seed but for how long this machine takes, which the caller
// measures. Pure; called by cancel.ts.
import type { Random } from "./random.ts";
import type { ExecutionPlan, JobPlan, StepPlan } from "./workload.ts";

export const raceKinds = [
  "around the end",
  "before the start",
  "in a retry's pause",
  "around finally",
  "with a daemon",
] as const;
export type RaceKind = (typeof raceKinds)[number];

const step = (changes: Partial<StepPlan> & Pick<StepPlan, "id" | "pauseMs">): StepPlan => ({
  ...{ phase: "steps", bytes: 300, output: "binary", pieces: 1, failTries: 0, retryMax: 0, timeoutMs: undefined },
  ...{ continueOnError: false, idempotent: false, shell: "none", ...changes },
});
const job = (name: string, steps: StepPlan[]): JobPlan => ({
  name: `faults-race-${name}`,
  limitBytes: 1024 * 1024,
  steps,
});

const jobs: Record<RaceKind, JobPlan> = {
  "around the end": job("end", [step({ id: "only", pauseMs: 120 })]),
  "before the start": job("start", [step({ id: "first", pauseMs: 50 }), step({ id: "second", pauseMs: 0 })]),
  "in a retry's pause": job("retry", [
    step({ id: "again", pauseMs: 20, failTries: 2, retryMax: 3, retryDelayMs: 300 }),
  ]),
  "around finally": job("finally", [
    step({ id: "work", pauseMs: 80, shell: "sh" }),
    step({ id: "tidy", phase: "finally", pauseMs: 200 }),
  ]),
  "with a daemon": job("daemon", [step({ id: "leaves", pauseMs: 150, shell: "sh", leavesDaemon: true })]),
};
const weights: Record<RaceKind, number> = {
  ...{ "around the end": 10, "before the start": 4, "in a retry's pause": 5, "around finally": 5, "with a daemon": 1 },
};

export const raceJobs = Object.values(jobs);

export function kindOf(plan: ExecutionPlan): RaceKind {
  return raceKinds.find((kind) => jobs[kind].name === plan.job.name)!;
}

/** The first ones are left alone, and then one of twelve: from them is known how long it takes here and now. */
function isMeasured(index: number): boolean {
  return index < 10 || index % 12 === 0;
}

/** `takesMs`: how long an execution of this kind takes at the moment, when nobody cancels it. */
export function planRace(
  random: Random,
  index: number,
  targets: string[],
  takesMs: (kind: RaceKind) => number,
): ExecutionPlan {
  const own = random.stream(`race ${index}`);
  const kind = index < 2 * raceKinds.length ? raceKinds[index % raceKinds.length]! : pickKind(own);
  const cancelAfterMs = isMeasured(index) ? undefined : Math.max(0, Math.round(chooseMs(own, kind, takesMs(kind))));
  const target = targets[index % targets.length]!;
  return { key: `race-${index}`, job: jobs[kind], seed: `race-${index}`, targets: [target], cancelAfterMs };
}

/** After the answer to the POST, which comes when the work is on its way. */
function chooseMs(random: Random, kind: RaceKind, takesMs: number): number {
  if (kind === "before the start") return random.chance(0.5) ? 0 : random.int(0, 40);
  if (kind === "around the end") return takesMs + random.int(-110, 30);
  return random.next() * takesMs * 1.05;
}

function pickKind(random: Random): RaceKind {
  let at = random.next() * Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  for (const kind of raceKinds) {
    at -= weights[kind];
    if (at < 0) return kind;
  }
  return "around the end";
}
