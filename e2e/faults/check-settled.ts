// Invariants 1 and 6 over whole executions: what was asked for exists exactly once, and after the faults have stopped
// nothing is unfinished. Pure; called by check-invariants.ts.
import {
  type AssignmentState,
  assignmentStates,
  executionStates,
  foldAssignments,
  foldStages,
  isTerminal,
  stageStates,
  stepStates,
  tryStates,
} from "@opsconductor/contract/states";
import type { Evidence, ExecutionEvidence, StageEvidence, Violation } from "./evidence.ts";
import type { EvidenceIndex } from "./index-evidence.ts";
import { tryKey } from "./ledger.ts";
import { budgetOf } from "./unfold-plan.ts";

export function checkSettled(evidence: Evidence, index: EvidenceIndex): Violation[] {
  return [
    ...checkAsked(evidence, index),
    ...checkUnfinished(evidence),
    ...evidence.executions.flatMap((execution) => checkFold(evidence, index, execution)),
    ...evidence.leftovers.map((subject): Violation => ({ invariant: 6, subject, what: "was left behind" })),
  ];
}

function checkAsked(evidence: Evidence, index: EvidenceIndex): Violation[] {
  const found: Violation[] = [];
  const say = (subject: string, what: string) => found.push({ invariant: 1, subject, what });
  const byKey = Map.groupBy(evidence.executions, (execution) => execution.key);
  const keys = new Set<string | null>(evidence.asked.map(({ plan }) => plan.key));
  for (const { plan, executionId } of evidence.asked) {
    const made = byKey.get(plan.key) ?? [];
    if (made.length !== 1) say(plan.key, `was asked for once and exists ${made.length} times`);
    else if (made[0]!.id !== executionId) say(plan.key, `was answered as ${executionId} and is ${made[0]!.id}`);
    if (plan.job.flow) continue; // said by check-flow-rows.ts
    const targets = (index.assignmentsOf.get(executionId) ?? []).map((row) => row.target).sort();
    if (targets.join() !== [...plan.targets].sort().join())
      say(plan.key, `was asked for on ${plan.targets.join(", ")} and has assignments for ${targets.join(", ")}`);
  }
  for (const execution of evidence.executions)
    if (!keys.has(execution.key)) say(execution.id, "exists and nobody asked for it");
  return found;
}

function checkUnfinished(evidence: Evidence): Violation[] {
  const found: Violation[] = [];
  const look = <T extends Record<string, readonly string[]>>(table: T, subject: string, state: keyof T & string) => {
    if (!isTerminal(table, state)) found.push({ invariant: 6, subject, what: `is still ${state}` });
  };
  for (const row of evidence.executions) look(executionStates, `execution ${row.id}`, row.state);
  for (const row of evidence.stages) look(stageStates, `stage ${row.executionId}/${row.stageId}`, row.state);
  for (const row of evidence.assignments) look(assignmentStates, `assignment ${row.id}`, row.state);
  for (const row of evidence.steps) look(stepStates, `step ${row.assignment}/${row.step}`, row.state);
  for (const row of evidence.tries) look(tryStates, `try ${tryKey(row)}`, row.state);
  return found;
}

/** The states above are what the assignments fold into, and the counts are counts. */
function checkFold(evidence: Evidence, index: EvidenceIndex, execution: ExecutionEvidence): Violation[] {
  const found: Violation[] = [];
  const say = (subject: string, what: string) => found.push({ invariant: 2, subject, what });
  const assignments = index.assignmentsOf.get(execution.id) ?? [];
  const stages = evidence.stages.filter((stage) => stage.executionId === execution.id);
  for (const stage of stages) {
    const counts = countStates(assignments.filter((row) => row.stageId === stage.stageId).map((row) => row.state));
    if (!sameCounts(counts, stage.counts))
      say(`stage ${execution.id}`, `counts ${JSON.stringify(stage.counts)} and has ${JSON.stringify(counts)}`);
    const folded = foldStage(stage, stages, counts, index);
    if (folded !== undefined && folded !== stage.state)
      say(`stage ${execution.id}`, `is ${stage.state} and its assignments fold into ${folded}`);
  }
  const counts = countStates(assignments.map((row) => row.state));
  if (!sameCounts(counts, execution.counts))
    say(`execution ${execution.id}`, `counts ${JSON.stringify(execution.counts)} and has ${JSON.stringify(counts)}`);
  const folded = foldStages(stages.filter(({ parent }) => parent === null).map((stage) => stage.state));
  // What somebody cancelled says so, also when a stage had failed by then; never when all had succeeded.
  const isCancelled =
    index.asked.get(execution.id)?.cancelAskedAt !== undefined || execution.cancelRequestedAt !== null;
  const mayBeCancelled = folded !== "succeeded" && isCancelled;
  // What got no turn ran nothing, though it goes on from one of whose stages some had succeeded; check-gates.ts judges the turn.
  const hadNoTurn =
    execution.state === "skipped" &&
    execution.concurrencyKey !== null &&
    assignments.every(({ state }) => state === "skipped");
  const isExcused = hadNoTurn || (mayBeCancelled && execution.state === "cancelled");
  if (folded !== undefined && folded !== execution.state && !isExcused)
    say(`execution ${execution.id}`, `is ${execution.state} and its stages fold into ${folded}`);
  return found;
}

/** Undefined: its assignments do not say it, because there are none, or because it never began. */
function foldStage(
  stage: StageEvidence,
  stages: StageEvidence[],
  counts: Partial<Record<AssignmentState, number>>,
  index: EvidenceIndex,
): string | undefined {
  const { executionId, stageId } = stage;
  if (stage.isGroup) {
    if (index.history("stage", `${executionId}/${stageId}`).every(({ to }) => to !== "running")) return undefined;
    return foldStages(stages.filter(({ parent }) => parent === stageId).map(({ state }) => state));
  }
  const total = Object.values(counts).reduce((sum, n) => sum + n, 0);
  if (total === 0) return undefined;
  const rollout = index.plannedStage(executionId, stageId)?.rollout;
  const maxFailures = rollout ? budgetOf(rollout, budgetTotal(executionId, stageId, index)) : 0;
  return foldAssignments(counts, {
    maxFailures,
    stopped: index.history("stop", `${executionId}/${stageId}`).length > 0,
  });
}

/** A percentage is one of all targets that the stage had before some of them were done. */
export function budgetTotal(executionId: string, stageId: string, index: EvidenceIndex): number {
  const asked = index.asked.get(executionId);
  const of = asked?.plan.job.flow?.stages ? (asked.retryOf ?? executionId) : executionId;
  return (index.assignmentsOf.get(of) ?? []).filter((row) => row.stageId === stageId).length;
}

function countStates(states: AssignmentState[]): Partial<Record<AssignmentState, number>> {
  const counts: Partial<Record<AssignmentState, number>> = {};
  for (const state of states) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

function sameCounts(a: Record<string, number | undefined>, b: Record<string, number>): boolean {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((state) => (a[state] ?? 0) === (b[state] ?? 0));
}
