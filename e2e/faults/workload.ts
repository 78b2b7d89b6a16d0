// The work of the fault tests, all of it from a seed: jobs of short, long, loud, failing, retried, timed and cancelled
// steps, and the executions of them. What is planned here is what the checker expects. Pure but for the step's program.
import { join } from "node:path";
import { generateOutput, type OutputKind, outputKinds, outputSeed } from "./generated-output.ts";
import type { Random } from "./random.ts";

export const stepProgram = join(import.meta.dirname, "ledger-step.pl");
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
}

export interface JobPlan {
  name: string;
  /** Most output kept of one try. */
  limitBytes: number;
  /** All phases, in the order in which they are planned. */
  steps: StepPlan[];
}

export interface ExecutionPlan {
  /** Idempotency-Key of its POST. */
  key: string;
  job: JobPlan;
  seed: string;
  targets: string[];
  /** Cancelled so long after it was created. */
  cancelAfterMs: number | undefined;
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

const kibibyte = 1024;

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

/** The document of a job. JSON is YAML, so nothing of ours has to quote. */
export function jobDocument(job: JobPlan, ledgerFile: string): string {
  const phase = (name: StepPhase) =>
    job.steps.filter((step) => step.phase === name).map((s) => stepSpec(s, ledgerFile));
  const phases = Object.fromEntries(
    (["steps", "onFailure", "finally"] as const)
      .map((name) => [name, phase(name)])
      .filter(([, steps]) => steps!.length),
  );
  return JSON.stringify({
    ...{ apiVersion: "opsconductor/v1", kind: "Job", name: job.name },
    inputs: { seed: { type: "string", required: true } },
    limits: { output: `${job.limitBytes / kibibyte}KiB` },
    ...phases,
  });
}

const daemon = `setsid sh -c 'trap "" TERM; exec sleep 300' </dev/null >/dev/null 2>&1 &\n`;

function stepSpec(step: StepPlan, ledgerFile: string): object {
  const command = ["perl", stepProgram, ledgerFile, ...stepArguments(step)];
  const quoted = command.map((word) => `'${word}'`).join(" ");
  return {
    ...{ id: step.id, continueOnError: step.continueOnError, idempotent: step.idempotent },
    run: step.shell === "none" ? command : `set -e\n${step.leavesDaemon ? daemon : ""}${quoted}\n`,
    ...(step.retryMax > 0 ? { retry: { max: step.retryMax, delay: `${step.retryDelayMs ?? 0}ms` } } : {}),
    ...(step.timeoutMs === undefined ? {} : { timeout: `${step.timeoutMs / 1000}s` }),
  };
}

function stepArguments({ bytes, output, pieces, pauseMs, failTries }: StepPlan): string[] {
  return [bytes, output, pieces, pauseMs, failTries].map(String);
}

/** All that a try prints when it comes to its end. */
export function expectedOutput(execution: ExecutionPlan, step: StepPlan, target: string, tryNumber: number): Buffer {
  const seed = outputSeed({ seed: execution.seed, stepId: step.id, target, try: tryNumber });
  return generateOutput(seed, step.output, step.bytes);
}

export function expectedExitCode(step: StepPlan, tryNumber: number): number {
  return tryNumber <= step.failTries ? failingExitCode : 0;
}
