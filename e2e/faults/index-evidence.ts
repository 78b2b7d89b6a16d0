// The evidence by its keys. Pure; called by check-invariants.ts.
import type { AskedExecution, AssignmentEvidence, Evidence, StepEvidence, TryEvidence } from "./evidence.ts";
import { type LedgerEnd, type LedgerStart, tryKey } from "./ledger.ts";
import type { StepPlan } from "./workload.ts";

export interface EvidenceIndex {
  /** By execution id. */
  asked: Map<string, AskedExecution>;
  assignments: Map<string, AssignmentEvidence>;
  assignmentsOf: Map<string, AssignmentEvidence[]>;
  /** By assignment id. */
  stepsOf: Map<string, StepEvidence[]>;
  triesOf: Map<string, TryEvidence[]>;
  /** By `tryKey`. */
  tries: Map<string, TryEvidence>;
  starts: Map<string, LedgerStart[]>;
  ends: Map<string, LedgerEnd[]>;
  /** What was planned for a row of this assignment. */
  planOf(assignment: string, step: string): { asked: AskedExecution; step: StepPlan; target: string } | undefined;
}

export function indexEvidence(evidence: Evidence): EvidenceIndex {
  const asked = new Map(evidence.asked.map((one) => [one.executionId, one]));
  const assignments = new Map(evidence.assignments.map((row) => [row.id, row]));
  return {
    ...{ asked, assignments },
    assignmentsOf: Map.groupBy(evidence.assignments, (row) => row.executionId),
    stepsOf: Map.groupBy(evidence.steps, (row) => row.assignment),
    triesOf: Map.groupBy(evidence.tries, (row) => row.assignment),
    tries: new Map(evidence.tries.map((row) => [tryKey(row), row])),
    starts: Map.groupBy(
      evidence.ledger.filter((entry) => entry.kind === "start"),
      tryKey,
    ),
    ends: Map.groupBy(
      evidence.ledger.filter((entry) => entry.kind === "end"),
      tryKey,
    ),
    planOf: (assignment, step) => {
      const row = assignments.get(assignment);
      const one = row && asked.get(row.executionId);
      const plan = one?.plan.job.steps.find(({ id }) => id === step);
      return row && one && plan ? { asked: one, step: plan, target: row.target } : undefined;
    },
  };
}
