// Workflows, rollouts, approvals and turns of the chaos run, all of them from its seed: jobs that together use every way
// in which executions wait for something, and what a person does to each execution. Pure; called by chaos.ts.
import { outputKinds } from "./generated-output.ts";
import type { Random } from "./random.ts";
import { type ExecutionPlan, type JobPlan, kibibyte, type StepPhase, type StepPlan } from "./workload.ts";

export interface RolloutSpec {
  canary?: number | string;
  batch: number | string;
  pauseMs: number;
  maxFailures: number | string;
  order: "target-first" | "step-first";
}

export interface StageSpec {
  id: string;
  needs: string[];
  /** `on` and `off`: an expression over an input that is true, or is not. */
  condition: "success()" | "failure()" | "always()" | "on" | "off";
  /** Else those that the execution chooses. */
  targets?: string[];
  /** Items that it is repeated for. */
  matrix?: string[];
  rollout?: RolloutSpec;
  /** Its own steps, or the job that it calls. */
  job: JobPlan;
  calls: boolean;
  /** A stage before it whose token its steps are given. */
  reads?: string;
}

export interface FlowSpec {
  stages?: StageSpec[];
  rollout?: RolloutSpec;
  approval?: { required: number; by?: string[]; expires: string };
  concurrency?: { key: string; limit: number; onConflict: "queue" | "skip" | "cancel-running" };
}

export interface FlowPlan extends ExecutionPlan {
  /** Of one that waits for approval. */
  decision: { kind: "approve" | "reject" | "none"; afterMs: number; ownFirst: boolean; repeats: boolean } | undefined;
  pause: { afterMs: number; forMs: number } | undefined;
  /** Goes on from where it failed, when it did. */
  retries: boolean;
}

export interface FlowWorkload {
  /** In the order in which they can be saved. */
  jobs: JobPlan[];
  execution(index: number): FlowPlan;
}

/** The two who decide. */
export const approvers = ["approver-1", "approver-2"] as const;

/** In turns of four executions: in this one nobody decides. Early in a run, which shall not end with waiting for it. */
const undecided = 1;

export function planFlows(
  random: Random,
  { targets, jobs: count = 36 }: { targets: string[]; jobs?: number },
): FlowWorkload {
  const called = Array.from({ length: 4 }, (_, index) => planCalled(random.stream(`called ${index}`), index, targets));
  const jobs = Array.from({ length: count }, (_, index) =>
    planJob(random.stream(`job ${index}`), index, { called, targets }),
  );
  const execution = (index: number): FlowPlan => {
    const own = random.stream(`execution ${index}`);
    const job = jobs[index % jobs.length]!; // one after the other, so that a short run meets them all
    const start = own.int(0, targets.length - 1);
    const wanted = job.flow!.stages ? own.int(2, 3) : own.int(3, targets.length);
    const chosen = targets.map((_, at) => targets[(start + at) % targets.length]!).slice(0, wanted);
    return {
      ...{ key: `flow-${index}`, job, seed: `f${index}-${own.int(0, 2 ** 31)}`, targets: chosen },
      cancelAfterMs: own.chance(0.1) ? own.int(0, 6000) : undefined,
      decision: job.flow!.approval && planDecision(own, index),
      pause: own.chance(0.2) ? { afterMs: own.int(0, 3000), forMs: own.int(300, 3000) } : undefined,
      retries: own.chance(0.6),
    };
  };
  return { jobs: [...called, ...jobs], execution };
}

/** Dealt out in turns, so that a short run has each kind. */
function planDecision(random: Random, index: number): FlowPlan["decision"] {
  const turn = index >> 2;
  const kind = turn === undecided ? "none" : turn % 5 === 3 ? "reject" : "approve";
  return { kind, afterMs: random.int(0, 1500), ownFirst: random.chance(0.3), repeats: random.chance(0.5) };
}

/** Jobs that others call: two with steps, one of them with a rollout, and two workflows. */
function planCalled(random: Random, index: number, targets: string[]): JobPlan {
  const name = `called-${index}`;
  const limitBytes = 64 * kibibyte;
  if (index < 2) {
    const steps = planSteps(random, name, targets);
    return { name, limitBytes, steps, flow: index === 0 ? {} : { rollout: planRollout(random) } };
  }
  const stage = (id: string, needs: string[], more: Partial<StageSpec> = {}): StageSpec => {
    const job = { name, limitBytes, steps: planSteps(random, `${name}-${id}`, targets) };
    return { id, needs, condition: "success()", job, calls: false, ...more };
  };
  const stages = [stage("one", []), stage("two", ["one"], { reads: "one" })];
  // The token of the whole is the one that all its parts agree in: only one of them gives it.
  for (const step of stages[1]!.job.steps) step.gives = false;
  return { name, limitBytes, steps: [], flow: { stages } };
}

interface Surroundings {
  called: JobPlan[];
  targets: string[];
}

/** Every third is a rollout of a job with steps only; approvals and turns are dealt out in other rhythms. */
function planJob(random: Random, index: number, around: Surroundings): JobPlan {
  const name = `flow-${index}`;
  const limitBytes = 64 * kibibyte;
  const gates: FlowSpec = { ...planApproval(index), ...planTurn(index) };
  if (index % 3 !== 0)
    return { name, limitBytes, steps: [], flow: { ...gates, stages: planStages(random, name, around) } };
  const steps = planSteps(random, name, around.targets);
  return { name, limitBytes, steps, flow: { ...gates, rollout: planRollout(random) } };
}

function planApproval(index: number): FlowSpec {
  const rules = [{ required: 1 }, { required: 2 }, { required: 1, by: [`user:${approvers[1]}`] }];
  const turn = index >> 2;
  // The shortest there is for the one that nobody decides about; people take their time while servers die.
  const expires = turn === undecided ? "1m" : "30m";
  return index % 4 === 1 ? { approval: { ...rules[turn % rules.length]!, expires } } : {};
}

/** Keys that several jobs share. */
function planTurn(index: number): FlowSpec {
  const turns = [
    { key: "queue", limit: 1, onConflict: "queue" },
    { key: "skip", limit: 1, onConflict: "skip" },
    { key: "cancel", limit: 1, onConflict: "cancel-running" },
    { key: "two", limit: 2, onConflict: "queue" },
  ] as const;
  const turn = turns[Math.floor(index / 2) % turns.length]!;
  return index % 5 < 2 ? { concurrency: turn } : {};
}

function planStages(random: Random, name: string, { called, targets }: Surroundings): StageSpec[] {
  const stages: StageSpec[] = [];
  const limitBytes = 64 * kibibyte;
  const count = random.int(3, 5);
  for (let at = 0; at < count; at++) {
    const id = `s${at + 1}`;
    const needs = stages
      .filter((_, i) => (i === at - 1 ? random.chance(0.8) : random.chance(0.2)))
      .map((stage) => stage.id);
    const kind = at === 0 ? 0 : random.next();
    const calls = kind > 0.75;
    const job = calls ? random.pick(called) : { name, limitBytes, steps: planSteps(random, `${name}-${id}`, targets) };
    const isWorkflow = job.flow?.stages !== undefined;
    stages.push({
      ...{ id, needs, job, calls, condition: at === 0 ? "success()" : planCondition(random) },
      // Those of the execution are used by one stage at least, else it could not choose.
      ...(at > 0 && !isWorkflow && random.chance(0.6) ? { targets: someOf(random, targets) } : {}),
      ...(!calls && kind > 0.5 ? { matrix: ["red", "green", "blue"].slice(0, random.int(2, 3)) } : {}),
      ...(!calls && random.chance(0.4) ? { rollout: planRollout(random) } : {}),
      ...(needs.length > 0 && random.chance(0.8) ? { reads: random.pick(needs) } : {}),
    });
  }
  return stages;
}

function planCondition(random: Random): StageSpec["condition"] {
  const draw = random.next();
  if (draw < 0.5) return "success()";
  if (draw < 0.7) return "always()";
  if (draw < 0.85) return "failure()";
  return draw < 0.95 ? "on" : "off";
}

function someOf(random: Random, targets: string[]): string[] {
  const start = random.int(0, targets.length - 1);
  return targets.map((_, at) => targets[(start + at) % targets.length]!).slice(0, random.int(1, 3));
}

function planRollout(random: Random): RolloutSpec {
  return {
    ...(random.chance(0.6) ? { canary: random.pick([1, 1, "20%"]) } : {}),
    batch: random.pick([1, 2, "40%", "50%", "100%"]),
    pauseMs: random.chance(0.3) ? random.int(100, 1500) : 0,
    maxFailures: random.pick([0, 0, 1, 2, "20%", "50%"]),
    order: random.chance(0.35) ? "step-first" : "target-first",
  };
}

/** One to three short steps, of which the first gives a token; some fail on some targets; some have something after them. */
function planSteps(random: Random, prefix: string, targets: string[]): StepPlan[] {
  const steps = Array.from({ length: random.int(1, 3) }, (_, at) => planStep(random, `${prefix}-${at + 1}`, "steps"));
  steps[0]!.gives = true;
  if (random.chance(0.35)) random.pick(steps).failOn = someOf(random, targets).slice(0, 2);
  if (random.chance(0.3)) steps.push(planStep(random, `${prefix}-mend`, "onFailure"));
  if (random.chance(0.5)) steps.push(planStep(random, `${prefix}-tidy`, "finally"));
  return steps;
}

function planStep(random: Random, id: string, phase: StepPhase): StepPlan {
  const fails = phase === "steps" && random.chance(0.12);
  const pieces = random.int(1, 3);
  return {
    ...{
      id,
      phase,
      pieces,
      bytes: random.chance(0.3) ? 0 : random.int(1, 8 * kibibyte),
      output: random.pick(outputKinds),
    },
    pauseMs: Math.round((random.chance(0.3) ? random.int(300, 1500) : random.int(0, 60)) / pieces),
    ...{ failTries: fails ? 1 : 0, retryMax: fails && random.chance(0.8) ? 1 : 0, timeoutMs: undefined },
    ...{ continueOnError: random.chance(0.15), idempotent: random.chance(0.4), shell: random.pick(["none", "sh"]) },
  };
}
