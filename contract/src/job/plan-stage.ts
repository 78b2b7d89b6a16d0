// A stage of a job as ordered steps with everything resolved. The agent runs exactly this, made from the bytes
// it was offered; the controller stores `summariseSteps` beside the stage for the console. Pure.
import { oneLine } from "../one-line.ts";
import { isRepeatable } from "./actions/is-repeatable.ts";
import { parseDuration } from "./duration.ts";
import type { ExpressionNames } from "./expression.ts";
import { namesOutcome } from "./expression.ts";
import type { Job, Shell } from "./job-schema.ts";
import { findStage, type JobStage, mainStage } from "./job-stages.ts";
import { type Phase, type PlacedStep, stageSteps } from "./job-steps.ts";
import { planLimits, type StepLimits } from "./limits-schema.ts";
import { bareCondition } from "./template.ts";

export interface PlannedStep {
  id: string;
  name: string;
  /** From 0 over all phases: steps, then onFailure, then finally. */
  position: number;
  /**
   * `steps` run in order. `onFailure` runs after them when the outcome is failure (failed or timed out). `finally`
   * runs last, always, also after a cancel. Inside onFailure and finally one failing step does not stop the next.
   */
  phase: Phase;
  /** A script for an interpreter (text of a file, never of a command line), argv without any shell, or an action. */
  run:
    | { kind: "script"; text: string; shell: Exclude<Shell, "exec"> | undefined }
    | { kind: "exec"; argv: string[] }
    /** Values of `with` are templates, for resolveParameters. */
    | { kind: "action"; uses: string; with: Record<string, unknown> };
  /** In check mode a script is skipped unless it says that it changes nothing; actions plan. */
  check: "plan" | "run" | "skip";
  /** CEL, for evaluateCondition; false: the step is skipped. Never empty. */
  condition: string;
  /** Values are templates, for interpolate; the job's and the step's merged. */
  env: Record<string, string>;
  /** Of one try; undefined: only the stage's. */
  timeoutMs: number | undefined;
  retry: { max: number; delayMs: number; backoff: "fixed" | "exponential"; on: readonly ("failed" | "timed_out")[] };
  /** Undefined: the agent's own user. */
  runAs: string | undefined;
  limits: StepLimits;
  idempotent: boolean;
  continueOnError: boolean;
  /** Output names it declares; undefined: any. */
  outputs: readonly string[] | undefined;
  /** What its expressions may name: pass it with the scope. `scope.steps` has an entry for each of `names.steps`. */
  names: ExpressionNames;
}

export interface StagePlan {
  id: string;
  steps: PlannedStep[];
  /** Of all tries and pauses of `steps` on one target, from the first; the others run after it too, within their own timeouts. */
  timeoutMs: number;
}

export interface TargetPlan {
  select: string | undefined;
  names: readonly string[] | undefined;
  max: number | undefined;
  offline: "queue" | "skip" | "fail";
  offlineExpiryMs: number;
}

/** A step after the others has no part in their time, and may not hold a target for ever without a timeout of its own. */
const afterwardsTimeoutMs = 10 * 60_000;
const longestDelayMs = 60 * 60_000;

/** Undefined when the job has no such stage with steps of its own. */
export function planStage(job: Job, stageId: string = mainStage): StagePlan | undefined {
  const stage = findStage(job, stageId);
  if (!stage || stage.steps.length === 0) return undefined;
  return {
    id: stage.id,
    steps: stageSteps(job, stage).map((placed, position) => planStep(job, stage, placed, position)),
    timeoutMs: parseDuration(stage.timeout)!,
  };
}

/** Targets of a stage, or the defaults when it names none and the execution has to. */
export function planTargets({ targets }: { targets?: Job["targets"] }): TargetPlan {
  const { select, names, max, offline = "queue", offlineExpiry = "24h" } = targets ?? {};
  return { select, names, max, offline, offlineExpiryMs: parseDuration(offlineExpiry)! };
}

/** As whom a step runs and what each try may use, as its job says: the owner of a host may give less. */
export interface StepBounds {
  runAs?: string;
  /** Of one try. */
  timeoutMs?: number;
  memoryBytes?: number;
  cpuPercent?: number;
  processes?: number;
  outputBytes?: number;
}

/** A step as `automation.stages.steps` stores it. */
export interface StepSummary {
  id: string;
  name: string;
  kind: string;
  bounds: StepBounds;
}

export function summariseSteps(plan: StagePlan): StepSummary[] {
  return plan.steps.map(({ id, name, run, runAs, timeoutMs, limits }) => {
    const told = Object.entries({ runAs, timeoutMs, ...limits }).filter(([, value]) => value !== undefined);
    return { id, name, kind: kindOf(run), bounds: Object.fromEntries(told) };
  });
}

function kindOf(run: PlannedStep["run"]): string {
  if (run.kind === "action") return run.uses;
  return run.kind === "exec" ? "exec" : (run.shell ?? "script");
}

/** Pause before try `tryNumber` (2, 3 …), in milliseconds. */
export function retryDelayMs(retry: PlannedStep["retry"], tryNumber: number): number {
  const factor = retry.backoff === "exponential" ? 2 ** Math.min(tryNumber - 2, 30) : 1;
  return Math.min(retry.delayMs * factor, Math.max(longestDelayMs, retry.delayMs));
}

/** A repair may take as long as the steps might; a cancel ends it, and `finally` it does not. */
function timeoutAfterwards(phase: Phase, ofSteps: number): number | undefined {
  if (phase === "steps") return undefined;
  return phase === "finally" ? afterwardsTimeoutMs : Math.max(afterwardsTimeoutMs, ofSteps);
}

function planStep(job: Job, stage: JobStage, { id, phase, spec, names }: PlacedStep, position: number): PlannedStep {
  const timeoutMs = spec.timeout === undefined ? undefined : parseDuration(spec.timeout)!;
  return {
    id,
    name: spec.name ?? (spec.uses === undefined ? nameOf(spec.run!) : actionName(spec.uses, spec.with ?? {})),
    position,
    phase,
    run: planRun(spec),
    check: spec.uses === undefined ? (spec.check ?? "skip") : "plan",
    condition: phase === "steps" ? conditionOf(spec.if) : givenCondition(spec.if, "always()"),
    env: { ...stage.env, ...spec.env },
    timeoutMs: timeoutMs ?? timeoutAfterwards(phase, parseDuration(stage.timeout)!),
    retry: planRetry(spec.retry),
    runAs: spec.runAs ?? stage.runAs,
    limits: planLimits(job.limits, stage.limits, spec.limits),
    idempotent: spec.idempotent ?? (spec.uses !== undefined && isRepeatable(spec.uses, spec.with ?? {})),
    continueOnError: spec.continueOnError,
    outputs: spec.outputs,
    names,
  };
}

function planRun(spec: PlacedStep["spec"]): PlannedStep["run"] {
  if (spec.uses !== undefined) return { kind: "action", uses: spec.uses, with: spec.with ?? {} };
  if (Array.isArray(spec.run)) return { kind: "exec", argv: spec.run };
  return { kind: "script", text: spec.run!, shell: spec.shell as Exclude<Shell, "exec"> | undefined };
}

/** The action and what it is about: `service nginx`, `file /etc/motd`. */
function actionName(uses: string, parameters: Record<string, unknown>): string {
  const about = ["path", "name", "url", "archive", "repo", "host", "for", "port"].flatMap((key) => {
    const value = parameters[key];
    return typeof value === "string" || typeof value === "number" ? [String(value).split("\n")[0]!] : [];
  });
  const text = oneLine(about[0] ? `${uses} ${about[0]}` : uses);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

function planRetry(retry: PlacedStep["spec"]["retry"]): PlannedStep["retry"] {
  if (!retry) return { max: 0, delayMs: 0, backoff: "fixed", on: ["failed", "timed_out"] };
  return { max: retry.max, delayMs: parseDuration(retry.delay)!, backoff: retry.backoff, on: retry.on };
}

/**
 * A step after a failed one, and a stage that needs a failed one, is skipped unless its condition says failure() or
 * always(): `success()` is implied. The other phases are entered by the outcome itself, so nothing is implied there.
 */
export function conditionOf(condition: string | boolean | undefined): string {
  if (condition === undefined) return "success()"; // nearly every step: reading it as CEL takes 0.4 ms
  const text = bareCondition(String(condition));
  return namesOutcome(text) ? text : `success() && (${text}\n)`; // the line break ends a comment
}

function givenCondition(condition: string | boolean | undefined, otherwise: string): string {
  return condition === undefined ? otherwise : bareCondition(String(condition));
}

/** The first line of a script that says something, or the command. */
function nameOf(run: string | string[]): string {
  const lines = Array.isArray(run) ? [run.join(" ")] : run.split("\n").map((line) => line.trim());
  const line = oneLine(lines.find((text) => text && !text.startsWith("#") && !/^set [-+]/.test(text)) ?? lines[0]!);
  return line.length > 80 ? `${line.slice(0, 79)}…` : line || "script";
}
