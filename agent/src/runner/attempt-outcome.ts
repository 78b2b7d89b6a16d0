// How the outcomes of steps make the attempt's. Pure.
import type { PlannedStep, StagePlan } from "@opsconductor/contract/job/plan-stage";
import type { AttemptProgress } from "./attempt-progress.ts";

/** Reasons of steps that were not started; the attempt's outcome is read from them after a restart too. */
export const skippedByCancel = "cancelled before it started";
export const skippedByTimeout = "the job's timeout was reached before it started";

export interface Outcome {
  state: "succeeded" | "failed" | "timed_out" | "cancelled" | "lost";
  reason: string;
}

const bad = new Set(["failed", "timed_out", "lost"]);

/** What `success()` and `failure()` of the next step see. */
export function outcomeSoFar(
  plan: StagePlan,
  progress: AttemptProgress,
  cancelled: boolean,
): "success" | "failure" | "cancelled" {
  if (cancelled && wasCancelled(plan, progress)) return "cancelled";
  return firstBadStep(plan, progress, "steps") === undefined ? "success" : "failure";
}

/** A lost step is nobody's failure yet, so onFailure does not run for it. */
export function needsOnFailure(plan: StagePlan, progress: AttemptProgress): boolean {
  if (wasCancelled(plan, progress)) return false;
  const step = firstBadStep(plan, progress, "steps");
  return step ? progress.steps.get(step.id)?.state !== "lost" : ranOutOfTime(plan, progress);
}

export function finalOutcome(plan: StagePlan, progress: AttemptProgress, cancelReason: string): Outcome {
  if (wasCancelled(plan, progress)) return { state: "cancelled", reason: cancelReason };
  const step = firstBadStep(plan, progress, "steps") ?? firstBadStep(plan, progress, "finally");
  if (step !== undefined) return outcomeOf(step, progress);
  if (ranOutOfTime(plan, progress)) return { state: "timed_out", reason: "the job's timeout was reached" };
  return { state: "succeeded", reason: "" };
}

const ranOutOfTime = (plan: StagePlan, progress: AttemptProgress) =>
  plan.steps.some(({ id }) => progress.steps.get(id)?.reason === skippedByTimeout);

/** Cancel kept a step of `steps` from running or from ending by itself. */
function wasCancelled(plan: StagePlan, progress: AttemptProgress): boolean {
  return plan.steps.some(({ id, phase }) => {
    const step = progress.steps.get(id);
    return phase === "steps" && (step?.state === "cancelled" || step?.reason === skippedByCancel);
  });
}

function firstBadStep(
  plan: StagePlan,
  progress: AttemptProgress,
  phase: PlannedStep["phase"],
): PlannedStep | undefined {
  return plan.steps.find((step) => {
    const state = progress.steps.get(step.id)?.state ?? "";
    return step.phase === phase && bad.has(state) && (!step.continueOnError || state === "lost");
  });
}

function outcomeOf(step: PlannedStep, progress: AttemptProgress): Outcome {
  const { state, reason, tries } = progress.steps.get(step.id)!;
  const exitCode = tries.at(-1)?.exitCode;
  const why = reason || (exitCode === undefined ? "" : `exit code ${exitCode}`);
  const said = { failed: "failed", timed_out: "timed out", lost: "was lost" }[state!];
  return { state: state as Outcome["state"], reason: `step ${step.id} ${said}${why && `: ${why}`}` };
}
