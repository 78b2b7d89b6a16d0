// What every recording transaction is given, and how it finds the attempts that a batch is about. Built by automation.ts.
import type { Query } from "../context.ts";
import { type AgentSession, StaleSession } from "../fleet/agent-link.ts";
import type { AssignmentRow, Attempt, StageFacts } from "./attempt.ts";
import type { AutomationMetrics } from "./automation-metrics.ts";
import type { AutomationBase, Dispatcher } from "./dispatcher.ts";
import { type LockedExecution, lockExecutionsOf } from "./execution-queries.ts";
import type { FlowDriver } from "./flow-driver.ts";
import { genericPlans } from "./generic-plans.ts";
import type { Lru } from "./lru.ts";
import type { OutputHashes } from "./output-hashes.ts";
import {
  buildAttempts,
  lockAssignments,
  lockSessions,
  selectStageFacts,
  selectSteps,
  selectTries,
} from "./result-queries.ts";

export interface Recorder {
  ctx: AutomationBase;
  dispatcher: Dispatcher;
  flows: FlowDriver;
  metrics: AutomationMetrics;
  hashes: OutputHashes;
  stages: StageCache;
  /** Assignments that have ended but for output on its way: its arrival is urgent. A hint like every memory. */
  awaitingOutput: Lru<string, true>;
  /** When an assignment's timeline last told of a rewind. */
  rewound: Lru<string, number>;
}

export type StageCache = Lru<string, StageFacts>;
export const stageKey = (executionId: string, stageId: string): string => `${executionId} ${stageId}`;

export interface LockedBatch {
  attempts: Map<string, Attempt>;
  /** Those of all assignments, when they were asked for. */
  executions: LockedExecution[] | undefined;
  /** The stream's session is still the agent's. */
  isLive(session: AgentSession): boolean;
}

export interface BatchScope {
  sessions: readonly AgentSession[];
  assignmentIds: readonly string[];
  /** The batch ends something, or begins it: locking the executions at once saves a round trip at the end. */
  withExecutions?: boolean;
}

/** Locks the sessions and assignments of a batch and reads everything that recording needs. */
export async function lockBatch(
  r: Recorder,
  tx: Query,
  { sessions, assignmentIds, withExecutions = false }: BatchScope,
): Promise<LockedBatch> {
  const ids = [...new Set(assignmentIds)];
  const [, assignments, executions] = await Promise.all([
    genericPlans(tx),
    lockAssignments(tx, ids),
    withExecutions ? lockExecutionsOf(tx, ids) : undefined,
  ]);
  const epochs = new Map(assignments.map((a) => [a.agentId!, a.held ? a.epoch : null]));
  const others = sessions.map((s) => s.agentId).filter((id) => !epochs.has(id));
  if (others.length > 0) for (const s of await lockSessions(tx, others, withExecutions)) epochs.set(s.agentId, s.epoch);
  // A run that is told from its beginning to its end in one batch has nothing yet.
  const begun = assignments.filter((a) => a.begun).map((a) => a.id);
  const [facts, steps, tries] = await Promise.all([
    stageFactsOf(r.stages, tx, assignments),
    begun.length > 0 ? selectSteps(tx, begun) : [],
    begun.length > 0 ? selectTries(tx, begun) : [],
  ]);
  const attempts = buildAttempts(assignments, (a) => facts.get(stageKey(a.executionId, a.stageId))!, steps, tries);
  return {
    attempts: new Map(attempts.map((a) => [a.assignment.id, a])),
    executions,
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
