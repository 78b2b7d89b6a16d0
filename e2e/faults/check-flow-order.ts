// When the stages of an execution ran, by the record of committed changes and by the ledger: after what they need, batch
// after batch, step after step where the rollout says so, and nothing new once a failure budget was spent. Pure; called by
// check-invariants.ts.
import {
  type AssignmentState,
  assignmentStates,
  badOutcomes,
  isTerminal,
  stageStates,
} from "@opsconductor/contract/states";
import { budgetTotal } from "./check-settled.ts";
import type { AskedExecution, AssignmentEvidence, Evidence, Violation } from "./evidence.ts";
import type { EvidenceIndex } from "./index-evidence.ts";
import { type LedgerEntry, tryKey } from "./ledger.ts";
import type { Transition } from "./transitions.ts";
import { budgetOf, dealtBatches, type PlannedStage, unfoldPlan } from "./unfold-plan.ts";

export function checkFlowOrder(evidence: Evidence, index: EvidenceIndex): Violation[] {
  return evidence.asked.filter(({ plan }) => plan.job.flow).flatMap((asked) => new FlowOrder(asked, index).check());
}

const isBad = (state: string | null) => (badOutcomes as readonly (string | null)[]).includes(state);
const isOver = ({ to }: Transition) => to !== null && isTerminal(assignmentStates, to as AssignmentState);

/** What happened of an assignment: to its row, and by its own word. */
interface Course {
  row: AssignmentEvidence;
  history: Transition[];
  /** Without those of lost tries: what is left of one may end when it likes. */
  entries: LedgerEntry[];
}

class FlowOrder {
  readonly #asked: AskedExecution;
  readonly #index: EvidenceIndex;
  readonly #planned: PlannedStage[];
  readonly #courses: Map<string, Course[]>;
  readonly #found: Violation[] = [];

  constructor(asked: AskedExecution, index: EvidenceIndex) {
    this.#asked = asked;
    this.#index = index;
    this.#planned = unfoldPlan(asked.plan);
    const courses = (index.assignmentsOf.get(asked.executionId) ?? []).map((row): Course => {
      const known = (entry: LedgerEntry) => index.tries.get(tryKey(entry))?.state !== "lost";
      const entries = (index.entriesOf.get(row.id) ?? []).filter(known);
      return { row, history: index.history("assignment", row.id), entries };
    });
    this.#courses = Map.groupBy(courses, ({ row }) => row.stageId);
  }

  check(): Violation[] {
    for (const planned of this.#planned) {
      for (const need of planned.needs) this.#checkNeed(planned, need);
      if (planned.isGroup) continue;
      this.#checkBatches(planned);
      if (planned.rollout) this.#checkBudget(planned);
      if (planned.rollout?.order === "step-first") this.#checkSteps(planned);
    }
    return this.#found;
  }

  #say(stage: string, what: string): void {
    const subject = `${this.#asked.plan.key} (${this.#asked.executionId}) stage ${stage}`;
    this.#found.push({ invariant: "flow", subject, what });
  }

  #stageHistory(id: string): Transition[] {
    return this.#index.history("stage", `${this.#asked.executionId}/${id}`);
  }

  /** Of the stage, or of all its parts. */
  #coursesOf(id: string): Course[] {
    const parts = this.#planned.filter(({ parent }) => parent === id);
    return parts.length > 0 ? parts.flatMap((part) => this.#coursesOf(part.id)) : (this.#courses.get(id) ?? []);
  }

  #checkNeed({ id }: PlannedStage, need: string): void {
    const end = this.#stageHistory(need).find(({ to }) => to !== null && isTerminal(stageStates, to as "skipped"));
    const begin = this.#stageHistory(id).find(({ to }) => to === "running");
    const courses = this.#coursesOf(id);
    const offer = firstOf(courses.flatMap(({ history }) => history.filter(({ to }) => to === "offered")));
    if (begin && !(end && (end.id < begin.id || end.transaction === begin.transaction)))
      this.#say(id, `began before ${need}, which it needs, was over`);
    if (offer && !(end && end.id < offer.id)) this.#say(id, `was offered before ${need}, which it needs, was over`);
    const start = Math.min(...startsOf(courses));
    const last = Math.max(...this.#coursesOf(need).flatMap(({ entries }) => entries.map(({ at }) => at)));
    if (start < last)
      this.#say(id, `a step started ${seconds(last - start)} before the last one of ${need}, which it needs`);
  }

  /** Each batch is over before the next begins, so never more than a batch is in progress. */
  #checkBatches({ id, rollout }: PlannedStage): void {
    const courses = this.#courses.get(id) ?? [];
    const largest = this.#largestBatch(id, rollout);
    const going = new Set<string>();
    const over = new Set<string>();
    const moves = courses.flatMap((course) => course.history.map((move) => ({ course, move })));
    for (const { course, move } of moves.sort((a, b) => a.move.id - b.move.id)) {
      const { row } = course;
      if (isOver(move)) over.add(row.id);
      if (isOver(move) || move.to === "queued") going.delete(row.id);
      else going.add(row.id);
      if (move.to !== "offered") continue;
      if (going.size > largest) this.#say(id, `had ${going.size} targets in progress, and a batch is ${largest}`);
      const early = courses.find((other) => other.row.batch < row.batch && !over.has(other.row.id));
      if (early)
        this.#say(
          id,
          `${row.target} of batch ${row.batch} was offered before ${early.row.target} of batch ${early.row.batch} was over`,
        );
    }
    for (const [batch, own] of Map.groupBy(courses, ({ row }) => row.batch)) {
      const last = Math.max(
        ...courses.filter(({ row }) => row.batch < batch).flatMap(({ entries }) => entries.map(({ at }) => at)),
      );
      const start = Math.min(...startsOf(own));
      if (start < last)
        this.#say(
          id,
          `a step of batch ${batch} started ${seconds(last - start)} before the last one of the batch before`,
        );
    }
  }

  #largestBatch(id: string, rollout: PlannedStage["rollout"]): number {
    const dealt = Map.groupBy(
      dealtBatches(budgetTotal(this.#asked.executionId, id, this.#index), rollout),
      (batch) => batch,
    );
    return Math.max(0, ...[...dealt.values()].map((own) => own.length));
  }

  #checkBudget({ id, rollout }: PlannedStage): void {
    const courses = this.#courses.get(id) ?? [];
    const { executionId } = this.#asked;
    const budget = budgetOf(rollout!, budgetTotal(executionId, id, this.#index));
    const badIn = (rows: Course[]) => rows.filter(({ row }) => isBad(row.state)).length;
    for (const { row, history } of courses.filter(({ row }) => row.batch > 0)) {
      const spent = badIn(courses.filter((other) => other.row.batch < row.batch));
      if (spent > budget && history.some(({ to }) => to === "offered"))
        this.#say(
          id,
          `${row.target} of batch ${row.batch} was offered after ${spent} failures, and ${budget} were allowed`,
        );
    }
    const [stop] = this.#index.history("stop", `${executionId}/${id}`);
    if (stop && badIn(courses) <= budget)
      this.#say(id, `was stopped after ${badIn(courses)} failures, and ${budget} were allowed`);
    if (stop) this.#checkStopped(id, stop, courses);
  }

  /** An offer that was under way in its own transaction, which had the row, is not new. */
  #checkStopped(id: string, stop: Transition, courses: Course[]): void {
    for (const { row, history } of courses)
      if (history.some(({ to, id: at, begunAt }) => to === "offered" && at > stop.id && begunAt > stop.at))
        this.#say(id, `${row.target} was offered after the failure budget was spent`);
  }

  /** No target is at a step before all others of its batch have left the one before it, or have gone wrong. */
  #checkSteps({ id, job }: PlannedStage): void {
    const main = job.steps.filter(({ phase }) => phase === "steps").map((step) => step.id);
    for (const [batch, courses] of Map.groupBy(this.#courses.get(id) ?? [], ({ row }) => row.batch))
      for (const [at, step] of main.entries()) {
        if (at === 0) continue;
        const start = Math.min(...startsOf(courses, [step]));
        const late = courses.find(({ entries }) =>
          entries.some((e) => main.indexOf(e.step) >= 0 && main.indexOf(e.step) < at && e.at > start),
        );
        if (late) this.#say(id, `${step} began in batch ${batch} while ${late.row.target} was at a step before it`);
      }
  }
}

const firstOf = (moves: Transition[]) => moves.toSorted((a, b) => a.id - b.id)[0];
const startsOf = (courses: Course[], steps?: string[]) =>
  courses.flatMap(({ entries }) =>
    entries.filter((e) => e.kind === "start" && (steps?.includes(e.step) ?? true)).map(({ at }) => at),
  );
const seconds = (n: number) => `${n.toFixed(3)} s`;
