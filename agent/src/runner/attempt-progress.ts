// What an attempt has done so far, folded from its events. The same fold runs live and after a restart, so both go on
// from the same picture. Pure.
import type { EventBody, Moment } from "../journal/journal.ts";

export interface TryProgress {
  try: number;
  spawn: number;
  starting: Moment;
  startedReported: boolean;
  /** Undefined while it is open. */
  state: string | undefined;
  reason: string;
  exitCode: number | undefined;
  finishedAt: Moment | undefined;
}

export interface StepProgress {
  /** Undefined until the step is finished. */
  state: string | undefined;
  reason: string;
  outputs: Record<string, string>;
  /** In a check: it would have changed something. */
  changed: boolean;
  tries: TryProgress[];
}

export interface AttemptProgress {
  steps: Map<string, StepProgress>;
  /** The first start of anything. */
  begunAt: Moment | undefined;
  /** The step before which a hold was last reported. */
  heldBefore: string;
  finished: boolean;
}

export function emptyProgress(): AttemptProgress {
  return { steps: new Map(), begunAt: undefined, heldBefore: "", finished: false };
}

export function stepOf(progress: AttemptProgress, stepId: string): StepProgress {
  let step = progress.steps.get(stepId);
  if (step === undefined) {
    step = { state: undefined, reason: "", outputs: {}, changed: false, tries: [] };
    progress.steps.set(stepId, step);
  }
  return step;
}

export function lastTry(step: StepProgress): TryProgress | undefined {
  return step.tries.at(-1);
}

export function applyEvent(progress: AttemptProgress, body: EventBody, at: Moment): void {
  if (body.kind === "tryStarting") applyStarting(progress, body, at);
  else if (body.kind === "tryStarted") lastTry(stepOf(progress, body.stepId))!.startedReported = true;
  else if (body.kind === "tryFinished") applyFinished(lastTry(stepOf(progress, body.stepId))!, body, at);
  else if (body.kind === "stepFinished") {
    const outputs = JSON.parse(Buffer.from(body.outputsJson).toString()) as Record<string, string>;
    Object.assign(stepOf(progress, body.stepId), {
      state: body.state,
      reason: body.reason,
      outputs,
      changed: body.changed,
    });
  } else if (body.kind === "held") progress.heldBefore = body.nextStepId;
  else if (body.kind === "finished") progress.finished = true;
}

function applyFinished(open: TryProgress, body: EventBody & { kind: "tryFinished" }, at: Moment): void {
  const { state, reason, exitCode } = body;
  Object.assign(open, { state, reason, exitCode, finishedAt: at });
}

function applyStarting(progress: AttemptProgress, body: EventBody & { kind: "tryStarting" }, at: Moment): void {
  progress.begunAt ??= at;
  progress.heldBefore = "";
  const { tries } = stepOf(progress, body.stepId);
  const current = tries.at(-1);
  if (current?.try === body.try) {
    Object.assign(current, { spawn: body.spawn, starting: at });
    return;
  }
  const open = { state: undefined, reason: "", exitCode: undefined, finishedAt: undefined, startedReported: false };
  tries.push({ try: body.try, spawn: body.spawn, starting: at, ...open });
}
