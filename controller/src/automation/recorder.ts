// What recording events and storing output have in common: the seam's calls of many agents become batches, a batch is one
// transaction, and what it changed is told after its commit. Built by agent-work.ts.
import { type AssignmentState, assignmentStates, isTerminal } from "@opsconductor/contract/states";
import type { Query } from "../context.ts";
import { type AgentSession, StaleSession } from "../fleet/agent-link.ts";
import { advanceExecutions } from "./advance-executions.ts";
import { type AssignmentRow, type Attempt, isSettled, type StageFacts } from "./attempt.ts";
import type { AutomationMetrics } from "./automation-metrics.ts";
import type { AutomationBase, Dispatcher } from "./dispatcher.ts";
import type { ExecutionRow } from "./execution-queries.ts";
import type { Transition } from "./execution-state.ts";
import type { Lru } from "./lru.ts";
import type { OutputHashes } from "./output-hashes.ts";
import { publishAssignments, publishExecutions, publishSteps } from "./publish-changes.ts";
import { buildAttempt, lockAttempts, selectStageFacts } from "./result-queries.ts";

export interface Recorder {
  ctx: AutomationBase;
  dispatcher: Dispatcher;
  metrics: AutomationMetrics;
  hashes: OutputHashes;
  stages: StageCache;
}

export type StageCache = Lru<string, StageFacts>;
export const stageKey = (executionId: string, stageId: string): string => `${executionId} ${stageId}`;

export interface LockedBatch {
  attempts: Map<string, Attempt>;
  /** The stream's session is still the agent's. */
  isLive(session: AgentSession): boolean;
}

/** Locks the sessions and assignments of a batch and reads everything that recording needs. */
export async function lockBatch(
  r: Recorder,
  tx: Query,
  entries: readonly { session: AgentSession; assignmentIds: readonly string[] }[],
): Promise<LockedBatch> {
  const agentIds = [...new Set(entries.map((e) => e.session.agentId))];
  const ids = [...new Set(entries.flatMap((e) => e.assignmentIds))];
  const { epochs, assignments, steps, tries } = await lockAttempts(tx, agentIds, ids);
  const facts = await stageFactsOf(r.stages, tx, assignments);
  const attempts = assignments.map((a) =>
    buildAttempt(a, facts.get(stageKey(a.executionId, a.stageId))!, steps, tries),
  );
  return {
    attempts: new Map(attempts.map((a) => [a.assignment.id, a])),
    isLive: (session) => epochs.get(session.agentId) === session.epoch,
  };
}

async function stageFactsOf(
  cache: StageCache,
  tx: Query,
  assignments: readonly AssignmentRow[],
): Promise<Map<string, StageFacts>> {
  const found = new Map<string, StageFacts>();
  const missing = new Set<string>();
  for (const a of assignments) {
    const key = stageKey(a.executionId, a.stageId);
    const facts = cache.get(key);
    if (facts) found.set(key, facts);
    else missing.add(a.executionId);
  }
  if (missing.size === 0) return found;
  for (const row of await selectStageFacts(tx, [...missing])) {
    const key = stageKey(row.executionId, row.stageId);
    cache.set(key, row);
    found.set(key, row);
  }
  return found;
}

/** The attempt that this session may write: its own agent's, with the live fence. Undefined for anything else. */
export function attemptOf(
  batch: LockedBatch,
  session: AgentSession,
  address: { assignmentId: string; fence: bigint },
): Attempt | undefined {
  const attempt = batch.attempts.get(address.assignmentId);
  const own = attempt?.assignment.agentId === session.agentId && attempt.assignment.fence === address.fence;
  return own ? attempt : undefined;
}

export const staleSession = (session: AgentSession): StaleSession =>
  new StaleSession(`Session ${session.epoch} of agent ${session.agentName} is over`);

/** Folds what the attempts' states became into their executions; last in the transaction. */
export async function advanceAttempts(r: Recorder, tx: Query, attempts: Iterable<Attempt>): Promise<ExecutionRow[]> {
  const now = r.ctx.now();
  const transitions: Transition[] = [];
  for (const { assignment: a, before } of attempts) {
    if (a.state === before) continue;
    const at = (isTerminal(assignmentStates, a.state) ? a.finishedAt : a.startedAt) ?? now;
    // A batch may hold the start and the end: the execution shall know when it began.
    const throughRunning = before !== "running" && a.startedAt !== null && a.state !== "running";
    const common = { executionId: a.executionId, stageId: a.stageId };
    if (throughRunning) transitions.push({ ...common, from: before, to: "running", at: a.startedAt! });
    transitions.push({ ...common, from: throughRunning ? "running" : before, to: a.state, at });
  }
  return await advanceExecutions(tx, transitions);
}

const heldStates: readonly AssignmentState[] = ["offered", "accepted", "running"];

/** After the commit: live events, metrics, room for the next offer, and `forget` for what is complete. */
export function reportAttempts(r: Recorder, attempts: readonly Attempt[], executions: readonly ExecutionRow[]): void {
  const moved = attempts.filter((a) => a.assignment.state !== a.before);
  publishExecutions(r.ctx, executions);
  publishAssignments(
    r.ctx,
    executions,
    moved.map((a) => a.assignment),
  );
  publishSteps(r.ctx, attempts);
  for (const { assignment, before } of moved) {
    if (isTerminal(assignmentStates, assignment.state)) r.metrics.finished.inc({ state: assignment.state });
    if (before === "offered" && assignment.acceptedAt)
      r.metrics.dispatchSeconds.observe((assignment.acceptedAt.getTime() - assignment.createdAt.getTime()) / 1000);
    if (heldStates.includes(before) && !heldStates.includes(assignment.state) && assignment.agentId)
      r.dispatcher.release(assignment.agentId);
    if (assignment.state === "queued" && assignment.agentId) r.dispatcher.wake([assignment.agentId]);
  }
  for (const attempt of attempts) {
    for (const violation of attempt.violations) {
      r.metrics.violations.inc();
      const { id, fence, agentId } = attempt.assignment;
      r.ctx.log.error({ assignmentId: id, fence: String(fence), agentId, violation }, "event.contradiction");
    }
  }
  // After the acknowledgements of this batch, which leave when the caller gets them.
  const settled = attempts.filter((a) => a.dirty && isSettled(a)).map((a) => ({ ...a.assignment }));
  if (settled.length > 0)
    setImmediate(() => {
      for (const a of settled) forget(r.dispatcher, a);
    });
}

function forget(dispatcher: Dispatcher, a: AssignmentRow): void {
  if (a.agentId && a.fence !== null) forgetAttempt(dispatcher, a.agentId, { ...a, assignmentId: a.id, fence: a.fence });
}

export function forgetAttempt(
  dispatcher: Dispatcher,
  agentId: string,
  { assignmentId, attempt, fence }: { assignmentId: string; attempt: number; fence: bigint },
): void {
  dispatcher.desire(agentId, {
    assignmentId,
    attempt,
    fence,
    want: "forget",
    releaseThroughStep: 0xffffffff,
    reason: "",
  });
}
