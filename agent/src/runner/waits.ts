// The places where an attempt waits: for a slot, for the controller to release its next step, between two tries. Each
// makes noted events durable first, and ends when the agent stops.
import type { PlannedStep } from "@opsconductor/contract/job/plan-stage";
import type { Attempt } from "./attempt.ts";
import { remainingMs, startTimer } from "./deadline.ts";
import type { HostContext } from "./host-context.ts";

/** Returns without a slot only when the attempt was cancelled meanwhile: then nothing of it starts. */
export async function takeSlot(host: HostContext, attempt: Attempt): Promise<void> {
  if (attempt.hasSlot) return;
  const slot = host.slots.take(attempt.offer.assignmentId);
  attempt.hasSlot = slot === true;
  if (slot === true) return;
  await attempt.commit();
  const cancelled = onAbort(attempt.cancelSignal);
  const first = await orStopped(host, Promise.race([slot.granted.then(() => "granted"), cancelled.aborted]));
  cancelled.undo();
  if (first === "granted") attempt.hasSlot = true;
  else slot.leave();
}

export function releaseSlot(host: HostContext, attempt: Attempt): void {
  if (attempt.hasSlot) host.slots.release(attempt.offer.assignmentId);
  attempt.hasSlot = false;
}

/** Hold and barrier: `finally` waits for neither. A held attempt gives its slot to others. */
export async function waitForRelease(host: HostContext, attempt: Attempt, step: PlannedStep): Promise<void> {
  if (step.phase === "finally") return;
  while (isHeld(attempt, step) && !attempt.cancelled && stageLeft(host, attempt) > 0) {
    if (attempt.progress.heldBefore !== step.id) attempt.note({ kind: "held", nextStepId: step.id });
    await attempt.commit();
    releaseSlot(host, attempt);
    const deadline = Promise.withResolvers<void>();
    const undo = startTimer(stageLeft(host, attempt), deadline.resolve);
    await orStopped(host, Promise.race([attempt.changed, deadline.promise])).finally(undo);
  }
  await takeSlot(host, attempt);
}

/** True: cancelled while waiting. `finally` steps wait on. */
export async function pause(host: HostContext, attempt: Attempt, step: PlannedStep, ms: number): Promise<boolean> {
  const over = Promise.withResolvers<void>();
  const undo = startTimer(ms, over.resolve);
  const cancelled = onAbort(attempt.cancelSignal);
  try {
    if (step.phase === "finally") await orStopped(host, over.promise);
    else await orStopped(host, Promise.race([over.promise, cancelled.aborted]));
  } finally {
    undo();
    cancelled.undo();
  }
  return attempt.cancelled && step.phase !== "finally";
}

function isHeld(attempt: Attempt, step: PlannedStep): boolean {
  return attempt.want === "hold" || (step.phase === "steps" && step.position > attempt.releaseThroughStep);
}

function stageLeft(host: HostContext, attempt: Attempt): number {
  const { begunAt } = attempt.progress;
  return begunAt === undefined ? attempt.plan.timeoutMs : remainingMs(begunAt, attempt.plan.timeoutMs, host.now());
}

async function orStopped<T>(host: HostContext, promise: Promise<T>): Promise<T> {
  host.signal.throwIfAborted();
  const stopped = onAbort(host.signal);
  try {
    const first = await Promise.race([promise.then((value) => ({ value })), stopped.aborted]);
    if (first === "aborted") throw host.signal.reason;
    return first.value;
  } finally {
    stopped.undo();
  }
}

function onAbort(signal: AbortSignal): { aborted: Promise<"aborted">; undo: () => void } {
  const { promise, resolve } = Promise.withResolvers<"aborted">();
  const listener = () => resolve("aborted");
  if (signal.aborted) listener();
  else signal.addEventListener("abort", listener, { once: true });
  return { aborted: promise, undo: () => signal.removeEventListener("abort", listener) };
}
