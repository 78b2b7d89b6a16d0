// Live events of executions, after the commit: one for each thing that a batch changed, however often it changed it.
import { type AssignmentState, type ExecutionState, executionStates, isTerminal } from "@opsconductor/contract/states";
import type { Context } from "../context.ts";
import { personalTopic } from "../live/live.ts";
import type { Attempt, TryRow } from "./attempt.ts";
import type { ExecutionRow } from "./execution-queries.ts";
import { presentExecution } from "./present-execution.ts";

type Publisher = Pick<Context, "live">;
const topicOf = (executionId: string) => `executions:${executionId}`;

/** To the list of executions and to each execution's own page; its end also to whoever started it. */
export function publishExecutions({ live }: Publisher, rows: readonly ExecutionRow[]): void {
  for (const row of rows) {
    const execution = presentExecution(row);
    live.publish({ kind: "execution", topic: topicOf(row.id), execution });
    live.publish({ kind: "execution", topic: "executions", execution });
    if (row.requestedBy !== null && isTerminal(executionStates, row.state))
      live.publish({ kind: "execution", topic: personalTopic(row.requestedBy), execution });
  }
}

export interface ChangedAssignment {
  id: string;
  executionId: string;
  targetName: string;
  state: AssignmentState;
  stateReason: string | null;
}

/** `executions`: as they are after the change of these assignments. */
export function publishAssignments(
  { live }: Publisher,
  executions: readonly { id: string; state: ExecutionState }[],
  changed: readonly ChangedAssignment[],
): void {
  const states = new Map(executions.map((e) => [e.id, e.state]));
  for (const a of changed) {
    live.publish({
      kind: "assignment",
      topic: topicOf(a.executionId),
      executionId: a.executionId,
      assignmentId: a.id,
      targetName: a.targetName,
      state: a.state,
      stateReason: a.stateReason,
      executionState: states.get(a.executionId) ?? "running",
    });
  }
}

/** Something was added to what happened to these executions. */
export function publishTimelines({ live }: Publisher, executionIds: Iterable<string>): void {
  for (const executionId of new Set(executionIds))
    live.publish({ kind: "timeline", topic: topicOf(executionId), executionId });
}

export function publishSteps({ live }: Publisher, attempts: readonly Attempt[]): void {
  for (const { assignment: a, dirtySteps } of attempts) {
    for (const step of dirtySteps) {
      live.publish({
        kind: "step",
        topic: topicOf(a.executionId),
        executionId: a.executionId,
        assignmentId: a.id,
        targetName: a.targetName,
        stepId: step.stepId,
        position: step.position,
        state: step.state,
      });
    }
  }
}

export function publishOutput({ live }: Publisher, { assignment: a }: Attempt, row: TryRow): void {
  live.publish({
    kind: "output",
    topic: topicOf(a.executionId),
    executionId: a.executionId,
    assignmentId: a.id,
    targetName: a.targetName,
    stepId: row.stepId,
    try: row.try,
    storedBytes: Number(row.storedBytes),
    storedLines: Number(row.storedLines),
  });
}
