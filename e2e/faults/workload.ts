// The work of the fault tests, all of it from a seed: jobs of short, long, loud, failing, retried, timed and cancelled
// steps, and the executions of them. What is planned here is what the checker expects. Pure.
import type { FlowSpec } from "./flow-plan.ts";
import { generateOutput, type OutputKind, outputKinds, outputSeed } from "./generated-output.ts";
import type { Random } from "./random.ts";

/** What ledger-step.pl ends with in the tries that are to fail. */
export const failingExitCode = 3;

export type StepPhase = "steps" | "onFailure" | "finally";

export interface StepPlan {
  id: string;
  phase: StepPhase;
  bytes: number;
  output: OutputKind;
  pieces: number;
  /** After each piece. */
  pauseMs: number;
  /** So many of its first tries fail. */
  failTries: number;
  retryMax: number;
  timeoutMs: number | undefined;
  continueOnError: boolean;
  idempotent: boolean;
  /** A command without a shell, or a script that starts it. */
  shell: "none" | "sh";
  /** Pause before each further try. */
  retryDelayMs?: number;
  /** With a shell: a process in a session of its own, deaf to TERM, outlives the step by minutes. */
  leavesDaemon?: boolean;
  /** All its tries fail on these targets. */
  failOn?: string[];
  /** Its last act is to give out `givenToken`. */
  gives?: boolean;
}

export interface JobPlan {
  name: string;
  /** Most output kept of one try. */
  limitBytes: number;
  /** All phases, in the order in which they are planned; none of a workflow, whose stages have them. */
  steps: StepPlan[];
  flow?: FlowSpec;
}

export interface ExecutionPlan {
  /** Idempotency-Key of its POST. */
  key: string;
  job: JobPlan;
  seed: string;
  targets: string[];
  /** Cancelled so long after it was created. */
  cancelAfterMs: number | undefined;
  /** It goes on from one that ended badly: nothing is planned to fail any more. */
  isRetry?: boolean;
}

export interface WorkloadOptions {
  targets: string[];
  jobs?: number;
  maxBytes?: number;
  /** Of the longest steps. */
  longMs?: number;
  cancelShare?: number;
}

export interface Workload {
  jobs: JobPlan[];
  /** The same for the same index, whatever was asked before. */
  execution(index: number): ExecutionPlan;
}

export const kibibyte = 1024;

export function planWorkload(random: Random, options: WorkloadOptions): Workload {
  const { targets, jobs: count = 40, cancelShare = 0.04 } = options;
  const jobs = Array.from({ length: count }, (_, index) => planJob(random.stream(`job ${index}`), index, options));
  const execution = (index: number): ExecutionPlan => {
    const own = random.stream(`execution ${index}`);
    const start = own.int(0, targets.length - 1);
    const wanted = own.chance(0.6) ? 1 : own.int(2, targets.length);
    const chosen = targets.map((_, at) => targets[(start + at) % targets.length]!).slice(0, wanted);
    return {
      ...{ key: `work-${index}`, job: own.pick(jobs), seed: `${index}-${own.int(0, 2 ** 31)}`, targets: chosen },
      cancelAfterMs: own.chance(cancelShare) ? own.int(0, 1500) : undefined,
    };
  };
  return { jobs, execution };
}

function planJob(random: Random, index: number, options: WorkloadOptions): JobPlan {
  const main = Array.from({ length: random.int(1, 4) }, (_, at) => planStep(random, `step${at + 1}`, "steps", options));
  const steps = [...main];
  if (random.chance(0.3)) steps.push({ ...planStep(random, "mend", "onFailure", options), failTries: 0 });
  if (random.chance(0.4)) steps.push({ ...planStep(random, "tidy", "finally", options), failTries: 0 });
  const limitBytes = random.chance(0.15) ? 64 * kibibyte : 10 * kibibyte ** 2;
  return { name: `faults-${index}`, limitBytes, steps };
}

function planStep(random: Random, id: string, phase: StepPhase, options: WorkloadOptions): StepPlan {
  const { maxBytes = 4 * kibibyte ** 2, longMs = 3000 } = options;
  const mood = random.next();
  const isLong = mood < 0.35;
  const fails = mood >= 0.35 && mood < 0.55;
  const isTimed = mood >= 0.55 && mood < 0.58 && phase === "steps";
  const pieces = random.int(1, isLong || isTimed ? 8 : 2);
  const retryMax = fails ? random.int(0, 2) : 0;
  return {
    ...{ id, phase, pieces, retryMax, bytes: chooseBytes(random, maxBytes), output: random.pick(outputKinds) },
    pauseMs: isTimed ? 20_000 : Math.round((isLong ? random.int(300, longMs) : random.int(0, 60)) / pieces),
    failTries: fails ? random.int(1, 3) : 0,
    timeoutMs: isTimed ? 1000 : undefined,
    continueOnError: random.chance(0.3),
    idempotent: random.chance(0.3),
    shell: random.pick(["none", "sh"]),
  };
}

/** Many small, some of a few pages, few large, and now and then one far beyond what is kept. */
function chooseBytes(random: Random, maxBytes: number): number {
  const size = random.next();
  if (size > 0.99) return random.int(maxBytes, 3 * maxBytes);
  if (size < 0.15) return 0;
  if (size < 0.7) return Math.min(maxBytes, random.int(1, 2 * kibibyte));
  if (size < 0.95) return Math.min(maxBytes, random.int(2 * kibibyte, 200 * kibibyte));
  return random.int(Math.min(maxBytes, 200 * kibibyte), maxBytes);
}

/** All that a try prints when it comes to its end. `item`: of the matrix that its stage is repeated for. */
export function expectedOutput(
  execution: Pick<ExecutionPlan, "seed">,
  step: StepPlan,
  target: string,
  tryNumber: number,
  item?: string,
): Buffer {
  const seed = item === undefined ? execution.seed : `${execution.seed}/${item}`;
  return generateOutput(outputSeed({ seed, stepId: step.id, target, try: tryNumber }), step.output, step.bytes);
}

export function expectedExitCode(
  execution: Pick<ExecutionPlan, "isRetry">,
  step: StepPlan,
  target: string,
  tryNumber: number,
): number {
  if (execution.isRetry) return 0;
  return tryNumber <= step.failTries || step.failOn?.includes(target) ? failingExitCode : 0;
}
