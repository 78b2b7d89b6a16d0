// One attempt from its acceptance, or from where an earlier life of the agent left it, to its outcome: an ordered list
// of small phases. create-host.ts and recovery start it.
import { join } from "node:path";
import type { PlannedStep } from "@opsconductor/contract/job/plan-stage";
import { markStage } from "@opsconductor/contract/stage-marks";
import { removeAfterSend, removeFolder } from "../output/remove-folder.ts";
import type { Attempt } from "./attempt.ts";
import { finalOutcome, needsOnFailure } from "./attempt-outcome.ts";
import { describeKey, type HostContext } from "./host-context.ts";
import { runStep, skipStep } from "./run-step.ts";
import { removeRoom } from "./user-room.ts";
import { releaseSlot, takeSlot } from "./waits.ts";

type AttemptPhase = (host: HostContext, attempt: Attempt) => Promise<void> | void;

const phases: readonly AttemptPhase[] = [takeSlot, runSteps, runOnFailure, runFinally, finish];

/** Never rejects. */
export async function runAttempt(host: HostContext, attempt: Attempt): Promise<void> {
  try {
    for (const phase of phases) await phase(host, attempt);
  } catch (error) {
    if (!host.signal.aborted) await giveUp(host, attempt, error as Error);
  } finally {
    releaseSlot(host, attempt);
  }
}

async function runSteps(host: HostContext, attempt: Attempt): Promise<void> {
  for (const step of stepsOf(attempt, "steps")) await runStep(host, attempt, step);
}

async function runOnFailure(host: HostContext, attempt: Attempt): Promise<void> {
  const needed = needsOnFailure(attempt.plan, attempt.progress);
  for (const step of stepsOf(attempt, "onFailure")) {
    if (needed) await runStep(host, attempt, step);
    else skipStep(attempt, step, "no step failed");
  }
}

async function runFinally(host: HostContext, attempt: Attempt): Promise<void> {
  const anythingBegun = attempt.progress.begunAt !== undefined;
  for (const step of stepsOf(attempt, "finally")) {
    if (anythingBegun) await runStep(host, attempt, step);
    else skipStep(attempt, step, "nothing was started");
  }
}

async function finish(host: HostContext, attempt: Attempt): Promise<void> {
  const outcome = finalOutcome(attempt.plan, attempt.progress, attempt.wantReason);
  attempt.note({ kind: "finished", ...outcome });
  await attempt.commit();
  markStage("end.durable");
  host.supervisors.quiet();
  host.attempts.delete(attempt.fence);
  host.log.info({ event: "attempt.finished", ...describeKey(attempt.offer), state: outcome.state });
  removeAfterSend(attempt.workingFolder, removeFolder);
  removeRoom(join(host.userFolder, String(attempt.fence)));
}

// A poisoned journal ends the work of this life; the steps go on and the next life finds them. Anything else is a
// mistake of ours: the attempt must not stay open for ever because of it.
async function giveUp(host: HostContext, attempt: Attempt, error: Error): Promise<void> {
  host.log.error({ event: "attempt.broken", ...describeKey(attempt.offer), err: error });
  if (host.journal.poisoned() !== "") return;
  try {
    attempt.note({ kind: "finished", state: "failed", reason: `the agent could not go on: ${error.message}` });
    await attempt.commit();
    host.attempts.delete(attempt.fence);
  } catch (again) {
    host.log.error({ event: "attempt.broken", ...describeKey(attempt.offer), err: again });
  }
}

function stepsOf(attempt: Attempt, phase: PlannedStep["phase"]): PlannedStep[] {
  return attempt.plan.steps.filter((step) => step.phase === phase);
}
