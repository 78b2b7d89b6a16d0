// How much of workflows, rollouts, approvals and turns a run had, so that a report of "no violations" can be weighed.
// Pure; called by chaos-report.ts.
import type { Evidence } from "./evidence.ts";
import { indexEvidence } from "./index-evidence.ts";
import type { Entity, Transition } from "./transitions.ts";

export function countFlows(evidence: Evidence): Record<string, number> {
  const index = indexEvidence(evidence);
  const flows = evidence.asked.filter(({ plan }) => plan.job.flow);
  const ids = new Set(flows.map(({ executionId }) => executionId));
  const stages = evidence.stages.filter((row) => ids.has(row.executionId));
  const moves = (entity: Entity, to: string) => evidence.transitions.filter((t) => t.entity === entity && t.to === to);
  const offered = new Set(moves("assignment", "offered").map(({ key }) => key));
  const ran = evidence.assignments.filter((row) => ids.has(row.executionId) && offered.has(row.id));
  const rolledOut = ran.filter((row) => index.plannedStage(row.executionId, row.stageId)?.rollout);
  const batches = new Set(rolledOut.map((row) => `${row.executionId}/${row.stageId}/${row.batch}`));
  const decided = (outcome: string) => evidence.approvals.filter((row) => row.outcome === outcome).length;
  const ofTurns = evidence.executions.filter(({ concurrencyKey }) => concurrencyKey !== null);
  const byTurn = ofTurns.filter(
    (row) => row.cancelRequestedAt !== null && index.asked.get(row.id)?.cancelAskedAt === undefined,
  );
  return {
    "executions with stages, batches, approval or turn": flows.length,
    "of these cancelled by a person": flows.filter(({ cancelAskedAt }) => cancelAskedAt !== undefined).length,
    "of these that went on from a failed one": flows.filter(({ retryOf }) => retryOf !== undefined).length,
    stages: stages.length,
    "stages that ran": distinct(moves("stage", "running").filter(({ key }) => ids.has(key.split("/")[0]!))),
    "stages skipped": stages.filter(({ state }) => state === "skipped").length,
    "stages repeated for an item": stages.filter(({ matrix }) => matrix !== null).length,
    "stages of rollouts": new Set(rolledOut.map((row) => `${row.executionId}/${row.stageId}`)).size,
    "batches that ran": batches.size,
    "failure budgets spent": moves("stop", "stopped").length,
    "approvals granted": decided("approved"),
    "approvals rejected": decided("rejected"),
    "approvals expired": decided("expired"),
    "decisions of people": evidence.decisions.length,
    "refused to approve their own": flows.filter(({ ownApproval }) => (ownApproval ?? 0) >= 400).length,
    "turns taken": moves("turn", "held").length,
    "skipped for want of a turn": ofTurns.filter(({ state }) => state === "skipped").length,
    "cancelled for another's turn": byTurn.length,
    pauses: moves("execution", "paused").length,
  };
}

const distinct = (moves: Transition[]) => new Set(moves.map(({ key }) => key)).size;
