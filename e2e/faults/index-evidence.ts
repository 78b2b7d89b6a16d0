// The evidence by its keys. Pure; called by check-invariants.ts.
import type { AskedExecution, AssignmentEvidence, Evidence, StepEvidence, TryEvidence } from "./evidence.ts";
import { type LedgerEnd, type LedgerEntry, type LedgerStart, tryKey } from "./ledger.ts";
import type { Transition } from "./transitions.ts";
import { type PlannedStage, unfoldPlan } from "./unfold-plan.ts";
import type { JobPlan, StepPlan } from "./workload.ts";

export interface PlannedStep {
  asked: AskedExecution;
  /** Whose steps they are: of the execution, or of its stage. */
  job: JobPlan;
  step: StepPlan;
  target: string;
  item: string | undefined;
}

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
  /** By assignment id. */
  entriesOf: Map<string, LedgerEntry[]>;
  startsOf: Map<string, LedgerStart[]>;
  /** Of one row, by entity and key, in their order. */
  history(entity: Transition["entity"], key: string): Transition[];
  /** Of all stages of an execution. */
  stageMoves(executionId: string): Transition[];
  /** By execution and stage id. */
  plannedStage(executionId: string, stageId: string): PlannedStage | undefined;
  /** What was planned for a row of this assignment. */
  planOf(assignment: string, step: string): PlannedStep | undefined;
  /** From when on a person, a turn or a spent failure budget wanted the assignment to stop, in seconds since 1970. */
  cancelledAt(assignment: string): number | undefined;
}

export function indexEvidence(evidence: Evidence): EvidenceIndex {
  const asked = new Map(evidence.asked.map((one) => [one.executionId, one]));
  const assignments = new Map(evidence.assignments.map((row) => [row.id, row]));
  const histories = Map.groupBy(evidence.transitions, ({ entity, key }) => `${entity} ${key}`);
  const history = (entity: Transition["entity"], key: string) => histories.get(`${entity} ${key}`) ?? [];
  const stages = new Map<string, Map<string, PlannedStage>>();
  const plannedStage = (executionId: string, stageId: string): PlannedStage | undefined => {
    const plan = asked.get(executionId)?.plan;
    if (plan && !stages.has(executionId))
      stages.set(executionId, new Map(unfoldPlan(plan).map((stage) => [stage.id, stage])));
    return stages.get(executionId)?.get(stageId);
  };
  const planOf = (assignment: string, step: string): PlannedStep | undefined => {
    const row = assignments.get(assignment);
    const one = row && asked.get(row.executionId);
    const stage = row && plannedStage(row.executionId, row.stageId);
    const found = stage?.job.steps.find(({ id }) => id === step);
    return found && { asked: one!, job: stage!.job, step: found, target: row!.target, item: stage!.item };
  };
  const stageMoves = Map.groupBy(
    evidence.transitions.filter(({ entity }) => entity === "stage"),
    ({ key }) => key.slice(0, key.indexOf("/")),
  );
  const executions = new Map(evidence.executions.map((row) => [row.id, row]));
  const cancelledAt = (assignment: string): number | undefined => {
    const { executionId, stageId } = assignments.get(assignment)!;
    const stepFirst = plannedStage(executionId, stageId)?.rollout?.order === "step-first";
    const stop = stepFirst ? history("stop", `${executionId}/${stageId}`)[0] : undefined;
    const one = asked.get(executionId);
    // In the way of another with its key: checked by check-turns.ts.
    const byTurn = one?.plan.job.flow?.concurrency ? executions.get(executionId)?.cancelRequestedAt : undefined;
    const times = [one?.cancelAskedAt, seconds(stop?.begunAt), seconds(byTurn)].filter((at) => at !== undefined);
    return times.length > 0 ? Math.min(...times) : undefined;
  };
  const starts = evidence.ledger.filter((entry) => entry.kind === "start");
  return {
    ...{ asked, assignments, history, plannedStage, planOf, cancelledAt },
    assignmentsOf: Map.groupBy(evidence.assignments, (row) => row.executionId),
    stepsOf: Map.groupBy(evidence.steps, (row) => row.assignment),
    triesOf: Map.groupBy(evidence.tries, (row) => row.assignment),
    tries: new Map(evidence.tries.map((row) => [tryKey(row), row])),
    stageMoves: (executionId) => stageMoves.get(executionId) ?? [],
    starts: Map.groupBy(starts, tryKey),
    startsOf: Map.groupBy(starts, (start) => start.assignment),
    entriesOf: Map.groupBy(evidence.ledger, (entry) => entry.assignment),
    ends: Map.groupBy(
      evidence.ledger.filter((entry) => entry.kind === "end"),
      tryKey,
    ),
  };
}

const seconds = (at: Date | null | undefined) => (at ? at.getTime() / 1000 : undefined);
