// What follows a recorded batch, after its commit: live events, metrics, log, room for the next offer, and `forget` for
// what is complete. Called by record-batch.ts and resume-agent.ts.
import { type AssignmentState, assignmentStates, isTerminal } from "@opsconductor/contract/states";
import { type Attempt, hasAllOutput, isSettled } from "./attempt.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { ExecutionRow } from "./execution-queries.ts";
import { hashKey } from "./output-hashes.ts";
import {
  publishAssignments,
  publishExecutions,
  publishOutput,
  publishSteps,
  publishTimelines,
} from "./publish-changes.ts";
import type { Recorded } from "./record-batch.ts";
import type { Recorder } from "./recorder.ts";

const heldStates: readonly AssignmentState[] = ["offered", "accepted", "running"];

export function reportBatch(r: Recorder, recorded: Recorded): void {
  const { attempts, executions, growths, results } = recorded;
  keepHashes(r, recorded);
  reportAttempts(r, attempts, executions);
  for (const { attempt, row, bytes } of growths) {
    r.metrics.outputBytes.inc(bytes);
    publishOutput(r.ctx, attempt, row);
  }
  for (const result of results) if (!(result instanceof Error)) countRewinds(r, result);
  for (const { session, ...address } of recorded.unknown)
    if (!r.dispatcher.knowsMore(session.agentId)) forgetAttempt(r.dispatcher, session.agentId, address);
  for (const [{ agentId }, list] of Map.groupBy(recorded.unknown, (u) => u.session)) {
    const { assignmentId, attempt, fence } = list[0]!;
    const first = { assignmentId, attempt, fence: String(fence) };
    r.ctx.log.warn({ agentId, ...first, count: list.length }, "event.unknown_attempt");
  }
}

export function reportAttempts(r: Recorder, attempts: readonly Attempt[], executions: readonly ExecutionRow[]): void {
  const moved = attempts.filter((a) => a.assignment.state !== a.before);
  publishExecutions(r.ctx, executions);
  publishAssignments(
    r.ctx,
    executions,
    moved.map((a) => a.assignment),
  );
  publishSteps(r.ctx, attempts);
  r.flows.wake(flowsToAdvance(attempts, executions));
  publishTimelines(
    r.ctx,
    attempts.filter((a) => a.notes.length > 0).map((a) => a.assignment.executionId),
  );
  r.metrics.gaps.inc(attempts.flatMap((a) => a.notes).filter((n) => n.kind === "output.gap").length);
  for (const attempt of moved) reportMove(r, attempt);
  for (const attempt of attempts) {
    reportTrouble(r, attempt);
    const { id, finish } = attempt.assignment;
    if (finish !== null && !hasAllOutput(attempt)) r.awaitingOutput.set(id, true);
    else r.awaitingOutput.delete(id);
  }
  // After the acknowledgements of this batch, which leave when the caller gets them.
  const settled = attempts.filter((a) => a.dirty && isSettled(a)).map((a) => ({ ...a.assignment }));
  if (settled.length === 0) return;
  setImmediate(() => {
    for (const { id, agentId, attempt, fence } of settled)
      if (agentId && fence !== null) forgetAttempt(r.dispatcher, agentId, { assignmentId: id, attempt, fence });
  });
}

/** Executions of which something has ended that decides what comes next, and steps that a barrier waits for. */
function flowsToAdvance(attempts: readonly Attempt[], executions: readonly ExecutionRow[]): string[] {
  const due = executions.filter((e) => e.orchestrated && e.dueAt !== null).map((e) => e.id);
  const atBarrier = attempts.filter((a) => a.stage.stepFirst && a.dirtySteps.size > 0);
  return [...due, ...atBarrier.map((a) => a.assignment.executionId)];
}

function reportMove({ metrics, dispatcher }: Recorder, { assignment: a, before }: Attempt): void {
  if (isTerminal(assignmentStates, a.state)) metrics.finished.inc({ state: a.state });
  if (before === "offered" && a.acceptedAt)
    metrics.dispatchSeconds.observe((a.acceptedAt.getTime() - a.createdAt.getTime()) / 1000);
  if (!a.agentId) return;
  if (heldStates.includes(before) && !heldStates.includes(a.state)) dispatcher.release(a.agentId);
  if (a.state === "queued") dispatcher.wake([a.agentId]);
}

/** Contradictions and broken outputs are never hidden: the log, a metric, and the assignment's own reason. */
function reportTrouble({ metrics, ctx }: Recorder, { assignment, violations, dirtyTries }: Attempt): void {
  const where = { assignmentId: assignment.id, fence: String(assignment.fence), agentId: assignment.agentId };
  metrics.violations.inc(violations.length);
  // One line, whatever their number: a log must not grow as fast as a host can talk nonsense.
  if (violations.length > 0)
    ctx.log.error({ ...where, violation: violations[0], count: violations.length }, "event.contradiction");
  for (const { stepId, try: number, storedBytes, outputBytes } of [...dirtyTries].filter(
    (t) => t.outputVerified === false,
  )) {
    metrics.mismatches.inc();
    const sizes = { storedBytes: String(storedBytes), outputBytes: String(outputBytes) };
    ctx.log.error({ ...where, stepId, try: number, ...sizes }, "output.mismatch");
  }
}

function keepHashes(r: Recorder, { attempts, hashes }: Recorded): void {
  for (const [key, { bytes, hash }] of hashes) r.hashes.keep(key, bytes, hash);
  for (const attempt of attempts)
    for (const row of attempt.dirtyTries) if (row.outputVerified !== null) r.hashes.drop(hashKey(attempt, row));
}

function countRewinds(
  { metrics }: Recorder,
  replies: { events: { kind: string }[]; output: { kind: string }[] },
): void {
  for (const stream of ["events", "output"] as const)
    for (const reply of replies[stream]) if (reply.kind === "rewind") metrics.rewinds.inc({ stream });
}

function forgetAttempt(
  dispatcher: Dispatcher,
  agentId: string,
  { assignmentId, attempt, fence }: { assignmentId: string; attempt: number; fence: bigint },
): void {
  dispatcher.desire(agentId, {
    ...{ assignmentId, attempt, fence, want: "forget" },
    ...{ releaseThroughStep: 0xffffffff, reason: "" },
  });
}
