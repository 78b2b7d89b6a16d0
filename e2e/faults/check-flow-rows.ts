// What an execution with stages consists of: each planned stage and each assignment exactly once, in the batch that it was
// dealt to, stages that ran exactly when their condition held, steps that were given what a stage before gave out; and of
// one that goes on from a failed one, only what was left to do. Pure; called by check-invariants.ts.
import type { StageState } from "@opsconductor/contract/states";
import type { AskedExecution, AssignmentEvidence, Evidence, StageEvidence, Violation } from "./evidence.ts";
import type { EvidenceIndex } from "./index-evidence.ts";
import { nothingGiven } from "./job-document.ts";
import { dealtBatches, type PlannedStage, unfoldPlan } from "./unfold-plan.ts";

export function checkFlowRows(evidence: Evidence, index: EvidenceIndex): Violation[] {
  const stagesOf = Map.groupBy(evidence.stages, (stage) => stage.executionId);
  return evidence.asked
    .filter(({ plan }) => plan.job.flow)
    .flatMap((asked) => new FlowRows(asked, stagesOf, index).check(evidence));
}

const badStates = ["failed", "timed_out", "lost", "denied", "expired"];

class FlowRows {
  readonly #asked: AskedExecution;
  readonly #stagesOf: Map<string, StageEvidence[]>;
  readonly #index: EvidenceIndex;
  readonly #planned: PlannedStage[];
  readonly #stages: Map<string, StageEvidence>;
  readonly #found: Violation[] = [];

  constructor(asked: AskedExecution, stagesOf: Map<string, StageEvidence[]>, index: EvidenceIndex) {
    this.#asked = asked;
    this.#stagesOf = stagesOf;
    this.#index = index;
    this.#planned = unfoldPlan(asked.plan);
    this.#stages = new Map((stagesOf.get(asked.executionId) ?? []).map((stage) => [stage.stageId, stage]));
  }

  check(evidence: Evidence): Violation[] {
    this.#checkStages();
    for (const planned of this.#planned.filter(({ id }) => this.#stages.has(id))) {
      if (!planned.isGroup) this.#checkAssignments(planned);
      this.#checkDecision(planned, evidence);
    }
    this.#checkGiven();
    return this.#found;
  }

  #say(invariant: 1 | "flow", stage: string, what: string): void {
    const subject = `${this.#asked.plan.key} (${this.#asked.executionId}) stage ${stage}`;
    this.#found.push({ invariant, subject, what });
  }

  #checkStages(): void {
    const ids = (this.#stagesOf.get(this.#asked.executionId) ?? []).map(({ stageId }) => stageId);
    for (const [at, id] of ids.entries()) {
      if (ids.indexOf(id) < at) this.#say(1, id, "exists twice");
      if (!this.#planned.some((planned) => planned.id === id)) this.#say(1, id, "exists and nobody planned it");
    }
    for (const { id, parent, isGroup, item } of this.#planned) {
      const stage = this.#stages.get(id);
      if (!stage) this.#say(1, id, "does not exist");
      else if (stage.parent !== parent || stage.isGroup !== isGroup || stage.matrix?.item !== item)
        this.#say(
          1,
          id,
          `is a part of ${stage.parent} for ${stage.matrix?.item}, and was to be one of ${parent} for ${item}`,
        );
    }
  }

  #assignments(executionId: string, stageId: string): AssignmentEvidence[] {
    return (this.#index.assignmentsOf.get(executionId) ?? []).filter((row) => row.stageId === stageId);
  }

  #checkAssignments(planned: PlannedStage): void {
    const rows = this.#assignments(this.#asked.executionId, planned.id);
    const targets = rows.map((row) => row.target).sort();
    const wanted = this.#wantedTargets(planned).sort();
    if (targets.join() !== wanted.join())
      this.#say(
        1,
        planned.id,
        `was to run on ${wanted.join(", ") || "nothing"} and has ${targets.join(", ") || "nothing"}`,
      );
    if (this.#asked.retryOf !== undefined && this.#asked.plan.job.flow!.stages) return; // dealt out in the one before
    const dealt = dealtBatches(wanted.length, planned.rollout);
    for (const row of rows) {
      const batch = dealt[wanted.indexOf(row.target)];
      if (row.batch !== batch)
        this.#say("flow", planned.id, `${row.target} is in batch ${row.batch}, and belongs to ${batch}`);
    }
  }

  #wantedTargets({ id, targets }: PlannedStage): string[] {
    const { retryOf, plan } = this.#asked;
    if (retryOf === undefined) return [...targets];
    const before = this.#assignments(retryOf, id);
    const names = (rows: AssignmentEvidence[]) => rows.map(({ target }) => target);
    if (!plan.job.flow!.stages) return names(before.filter(({ state }) => badStates.includes(state)));
    if (this.#isDone(id)) return [];
    if (this.#isAskedAnew(id)) return names(before);
    const left = names(before.filter(({ state }) => state !== "succeeded"));
    return left.length > 0 ? left : names(before);
  }

  /** It had succeeded in the execution before. */
  #isDone(id: string): boolean {
    const { retryOf, plan } = this.#asked;
    if (retryOf === undefined || !plan.job.flow!.stages) return false;
    const before = (this.#stagesOf.get(retryOf) ?? []).find(({ stageId }) => stageId === id);
    const parts = this.#planned.filter(({ parent }) => parent === id);
    return before?.state === "succeeded" && !this.#isAskedAnew(id) && parts.every((part) => this.#isDone(part.id));
  }

  /** Of a retry: it answers to how stages before it go, or is a part of such a one, and one of those runs again. */
  #isAskedAnew(id: string): boolean {
    const planned = this.#planned.find((one) => one.id === id)!;
    if (planned.parent !== null && this.#isAskedAnew(planned.parent)) return true;
    return ["failure()", "always()"].includes(planned.condition) && planned.before.some((one) => this.#runsAgain(one));
  }

  #runsAgain(id: string): boolean {
    const state = (this.#stagesOf.get(this.#asked.retryOf!) ?? []).find(({ stageId }) => stageId === id)?.state;
    if (this.#isAskedAnew(id) || (state !== "succeeded" && state !== "skipped")) return true;
    const { before } = this.#planned.find((one) => one.id === id)!;
    return state === "skipped" && before.some((one) => this.#runsAgain(one));
  }

  #ran(id: string): boolean {
    return this.#index.history("stage", `${this.#asked.executionId}/${id}`).some(({ to }) => to === "running");
  }

  #checkDecision(planned: PlannedStage, evidence: Evidence): void {
    const { id } = planned;
    const { state } = this.#stages.get(id)!;
    if (this.#isDone(id)) {
      if (state !== "succeeded" || this.#ran(id))
        this.#say("flow", id, `had succeeded before, and is ${state} in this one`);
      return;
    }
    const execution = evidence.executions.find((row) => row.id === this.#asked.executionId);
    const isHalted =
      execution?.cancelRequestedAt != null || execution?.state === "cancelled" || execution?.state === "skipped";
    const holds = this.#holds(planned);
    if (holds === undefined) return;
    if (this.#ran(id) && !holds) this.#say("flow", id, `ran, and ${planned.condition} was not so`);
    if (!this.#ran(id) && holds && !isHalted)
      this.#say("flow", id, `is ${state} and did not run, and ${planned.condition} was so`);
    if (!this.#ran(id) && !holds && !isHalted && state !== "skipped")
      this.#say("flow", id, `did not run and is ${state}`);
  }

  /** By the states that the stages before it came to; undefined: nobody says what follows a cancelled one. */
  #holds({ before, parent, condition }: PlannedStage): boolean | undefined {
    if (parent !== null && !this.#ran(parent)) return false;
    const states = before.map((id): StageState | undefined => this.#stages.get(id)?.state);
    if (states.includes("cancelled")) return undefined;
    const hasFailed = states.includes("failed") || states.includes("timed_out");
    if (condition === "always()") return true;
    if (condition === "failure()") return hasFailed;
    return condition !== "off" && !hasFailed;
  }

  #checkGiven(): void {
    for (const { id, reads } of this.#planned.filter(({ isGroup }) => !isGroup)) {
      const wanted = reads === undefined ? nothingGiven : (this.#tokenOf(reads) ?? nothingGiven);
      for (const row of this.#assignments(this.#asked.executionId, id))
        for (const start of (this.#index.startsOf.get(row.id) ?? []).filter(({ given }) => given !== wanted))
          this.#say(
            "flow",
            id,
            `gave ${start.given} to ${start.step} on ${row.target}, and ${reads ?? "nobody"} gave ${wanted}`,
          );
    }
  }

  /**
   * What the succeeded steps of a stage, or of its parts, gave out; of what was done before, in the execution before, and
   * so of the targets that had succeeded there, when the stage ran again on the others.
   */
  #tokenOf(id: string): string | undefined {
    const parts = this.#planned.filter(({ parent }) => parent === id);
    if (parts.length > 0) return parts.map((part) => this.#tokenOf(part.id)).find((token) => token !== undefined);
    const own = this.#isDone(id) ? [] : this.#assignments(this.#asked.executionId, id);
    for (const { id: assignment } of [...own, ...this.#keptOf(id)])
      for (const row of this.#index.triesOf.get(assignment) ?? [])
        if (row.state === "succeeded" && this.#index.planOf(assignment, row.step)?.step.gives)
          return `${this.#asked.plan.seed}.${row.step}`;
    return undefined;
  }

  /** Assignments of the execution before that were not repeated. */
  #keptOf(id: string): AssignmentEvidence[] {
    const { retryOf, plan } = this.#asked;
    if (retryOf === undefined || !plan.job.flow!.stages) return [];
    const before = this.#assignments(retryOf, id);
    if (this.#isDone(id)) return before;
    return this.#ran(id) && !this.#isAskedAnew(id) ? before.filter(({ state }) => state === "succeeded") : [];
  }
}
