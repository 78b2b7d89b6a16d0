// One step of an attempt: whether it runs, its tries one after the other, its final state. run-attempt.ts calls it for
// each step in order; a step that an earlier life of the agent began goes on where that stood.
import { ExpressionError, evaluateCondition } from "@opsconductor/contract/job/expression";
import { canonicalJson } from "@opsconductor/contract/job/inputs";
import type { PlannedStep } from "@opsconductor/contract/job/plan-stage";
import { retryDelayMs } from "@opsconductor/contract/job/plan-stage";
import { unknownInCheck } from "./action-command.ts";
import type { Attempt } from "./attempt.ts";
import { skippedByCancel, skippedByTimeout } from "./attempt-outcome.ts";
import { lastTry, stepOf, type TryProgress } from "./attempt-progress.ts";
import { remainingMs } from "./deadline.ts";
import type { TryResult } from "./finish-try.ts";
import type { HostContext } from "./host-context.ts";
import { resumeTry } from "./resume-try.ts";
import { startTry } from "./start-try.ts";
import { expressionScope, stepCommand } from "./step-command.ts";
import { placeOf } from "./try-place.ts";
import { pause, waitForRelease } from "./waits.ts";

/** How often a lost try of an idempotent step is made again by itself. */
const maxLostTries = 3;

export async function runStep(host: HostContext, attempt: Attempt, step: PlannedStep): Promise<void> {
  const progress = stepOf(attempt.progress, step.id);
  if (progress.state !== undefined) return;
  const begun = lastTry(progress);
  if (begun === undefined) {
    await waitForRelease(host, attempt, step);
    const skip = reasonNotToRun(host, attempt, step);
    if (skip !== undefined) {
      finishStep(attempt, step, skip);
      return;
    }
  }
  finishStep(attempt, step, await runTries(host, attempt, step, begun));
}

async function runTries(
  host: HostContext,
  attempt: Attempt,
  step: PlannedStep,
  begun: TryProgress | undefined,
): Promise<TryResult> {
  let result =
    begun === undefined ? await startTry(host, attempt, step, 1) : await resumeOrRecall(host, attempt, step, begun);
  for (;;) {
    const { tries } = stepOf(attempt.progress, step.id);
    const delayMs = delayBeforeNextTry(host, attempt, step, result);
    if (delayMs === undefined) return result;
    await attempt.commit();
    const cancelled = await pause(host, attempt, step, delayMs);
    if (cancelled) return { ...result, state: "cancelled", reason: attempt.wantReason };
    result = await startTry(host, attempt, step, tries.length + 1);
  }
}

/** The open try of an earlier life, or the outcome of its last closed one. */
async function resumeOrRecall(
  host: HostContext,
  attempt: Attempt,
  step: PlannedStep,
  begun: TryProgress,
): Promise<TryResult> {
  if (begun.state === undefined) return resumeTry(host, attempt, step, begun);
  return { state: begun.state as TryResult["state"], reason: begun.reason, outputs: {} };
}

/** Undefined: the result stands. What is left of the pause after a restart counts from the end of the last try. */
function delayBeforeNextTry(
  host: HostContext,
  attempt: Attempt,
  step: PlannedStep,
  result: TryResult,
): number | undefined {
  const { tries } = stepOf(attempt.progress, step.id);
  if (result.final || (result.state === "lost" && attempt.cancelled && step.phase !== "finally")) return undefined;
  if (result.state === "lost")
    return step.idempotent && tries.filter((t) => t.state === "lost").length <= maxLostTries ? 0 : undefined;
  if (!isRetried(step, result.state) || triesThatCount(tries) > step.retry.max) return undefined;
  const delayMs = retryDelayMs(step.retry, triesThatCount(tries) + 1);
  const left = Math.max(0, remainingMs(tries.at(-1)!.finishedAt!, delayMs, host.now()));
  return step.phase === "steps" && stageRemainingMs(host, attempt) <= left ? undefined : left;
}

function isRetried(step: PlannedStep, state: TryResult["state"]): boolean {
  return (step.retry.on as readonly string[]).includes(state);
}

/** A lost try was made again for another reason. */
function triesThatCount(tries: readonly TryProgress[]): number {
  return tries.filter((t) => t.state !== "lost").length;
}

function stageRemainingMs(host: HostContext, attempt: Attempt): number {
  const { begunAt } = attempt.progress;
  return begunAt === undefined ? attempt.plan.timeoutMs : remainingMs(begunAt, attempt.plan.timeoutMs, host.now());
}

type StepEnd = Omit<TryResult, "state"> & { state: TryResult["state"] | "skipped" };

function reasonNotToRun(host: HostContext, attempt: Attempt, step: PlannedStep): StepEnd | undefined {
  if (step.phase !== "finally" && attempt.cancelled) return skipped(skippedByCancel);
  if (step.phase === "steps" && stageRemainingMs(host, attempt) <= 0) return skipped(skippedByTimeout);
  const unknown = attempt.offer.check === true ? reasonNotToCheck(host, attempt, step) : undefined;
  if (unknown !== undefined) return skipped(unknown);
  try {
    if (conditionHolds(attempt, step)) return undefined;
    return skipped(step.condition === "success()" ? "an earlier step failed" : "its condition is false");
  } catch (error) {
    if (error instanceof ExpressionError) return { state: "failed", reason: error.message, outputs: {} };
    throw error;
  }
}

// Scripts, and what depends on the outputs that a skipped script would have written.
function reasonNotToCheck(host: HostContext, attempt: Attempt, step: PlannedStep): string | undefined {
  if (step.check === "skip")
    return `${unknownInCheck}a script cannot say what it would change; with check: run it is run`;
  try {
    if (!conditionHolds(attempt, step)) return undefined;
    const prepared = stepCommand(host, placeOf(host, attempt, step, 1, 1));
    return prepared.command === undefined && prepared.unknownValue ? `${unknownInCheck}${prepared.problem}` : undefined;
  } catch (error) {
    if (error instanceof ExpressionError) return `${unknownInCheck}${error.message}`;
    throw error;
  }
}

// Nearly every step has one of these two; evaluating them as CEL would cost each start a millisecond.
function conditionHolds(attempt: Attempt, step: PlannedStep): boolean {
  if (step.condition === "always()") return true;
  const scope = expressionScope(attempt, step.names.steps);
  if (step.condition === "success()") return scope.outcome === "success";
  return evaluateCondition(step.condition, step.names, scope);
}

export function skipStep(attempt: Attempt, step: PlannedStep, reason: string): void {
  if (stepOf(attempt.progress, step.id).state === undefined) finishStep(attempt, step, skipped(reason));
}

function skipped(reason: string): StepEnd {
  return { state: "skipped", reason, outputs: {} };
}

function finishStep(attempt: Attempt, step: PlannedStep, { state, reason, outputs, changed = false }: StepEnd): void {
  const outputsJson = Buffer.from(canonicalJson(outputs));
  attempt.note({ kind: "stepFinished", stepId: step.id, state, reason, outputsJson, changed });
}
