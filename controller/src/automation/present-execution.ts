// Rows of executions in the shapes of the API. Pure; called by every verb that answers with an execution and by the
// live events.
import type { Execution } from "@opsconductor/contract/api/executions";
import type { ExecutionRow } from "./execution-queries.ts";
import { wordOfPriority } from "./priorities.ts";

export const iso = (at: Date | null): string | null => at?.toISOString() ?? null;

export function presentExecution(row: ExecutionRow): Execution {
  return {
    id: row.id,
    number: Number(row.number),
    jobId: row.jobId,
    jobName: row.jobName,
    jobVersion: row.jobVersion,
    state: row.state,
    inputs: row.inputs,
    reason: row.reason,
    triggerKind: row.triggerKind,
    priority: wordOfPriority(row.priority),
    check: row.checkMode,
    requestedByName: row.requestedByName,
    targetCount: row.targetCount,
    counts: row.counts as Record<string, number>,
    createdAt: row.createdAt.toISOString(),
    startedAt: iso(row.startedAt),
    finishedAt: iso(row.finishedAt),
    cancelRequestedAt: iso(row.cancelRequestedAt),
    cancelRequestedBy: row.cancelRequestedBy,
    cancelReason: row.cancelReason,
    stateReason: row.stateReason,
    deadlineAt: iso(row.deadlineAt),
    pausedAt: iso(row.pausedAt),
    pausedBy: row.pausedBy,
    retryOf: row.retryOf === null ? null : { id: row.retryOf, number: Number(row.retryOfNumber) },
  };
}
