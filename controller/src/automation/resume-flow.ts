// What a workflow that is run again from its failed stages takes over from the execution before: stages that succeeded
// count as done with their outputs, the others run where they have not succeeded yet. Called by create-flow.ts.
import { outcomesNamed, type StageOutcome } from "@opsconductor/contract/job/expression";
import type { StageState } from "@opsconductor/contract/states";
import type { Query } from "../context.ts";
import { advanceFlow } from "./advance-flow.ts";
import { selectDone } from "./flow-queries.ts";
import type { PlannedStage } from "./plan-flow.ts";

export interface ExecutionName {
  id: string;
  number: number;
}

export interface DoneStage {
  stageId: string;
  parent: string | null;
  needs: string[];
  condition: string | null;
  state: StageState;
  outcome: StageOutcome | null;
  /** Where it was done, when that execution had taken it over itself. */
  doneIn: ExecutionName | null;
  jobId: string | null;
  jobVersion: number | null;
  /** Names that its targets have now. */
  targets: string[];
  /** Ids of those that are not to be repeated. */
  succeeded: string[];
}

export interface Resumed {
  of: ExecutionName;
  /** Versions of the jobs that it called. */
  versions: Map<string, number>;
  stages: Map<string, DoneStage>;
}

/** A stage that does not run again. */
export interface TakenOver {
  outcome: StageOutcome;
  doneIn: ExecutionName;
}

export async function readResumed(tx: Query, of: ExecutionName, now: Date): Promise<Resumed> {
  // It is over, but what its last stages gave out may not be noted yet: that is a transaction after their end.
  await advanceFlow(tx, of.id, now);
  const rows = forgetAnswers(await selectDone(tx, of.id));
  const versions = rows.flatMap((row): [string, number][] =>
    row.jobId === null || row.jobVersion === null ? [] : [[row.jobId, row.jobVersion]],
  );
  return { of, versions: new Map(versions), stages: new Map(rows.map((row) => [row.stageId, row])) };
}

/**
 * A stage with failure() or always() answers to how the stages before it went. When one of those runs again, that is asked
 * anew: a rollback that was right then is none now, and is needed once more when the second attempt fails too.
 */
function forgetAnswers(rows: readonly DoneStage[]): DoneStage[] {
  const again = new Set(
    rows.filter(({ state }) => !["succeeded", "skipped"].includes(state)).map((row) => row.stageId),
  );
  const anew = new Set<string>();
  for (let before = -1; before < again.size + anew.size; ) {
    before = again.size + anew.size;
    for (const row of rows) {
      const follows = stagesBefore(rows, row).some((id) => again.has(id));
      const isAnew = (row.parent !== null && anew.has(row.parent)) || (follows && answers(row));
      if (isAnew) anew.add(row.stageId);
      if (isAnew || (follows && row.state === "skipped")) again.add(row.stageId);
    }
  }
  const forgotten = { state: "pending" as const, outcome: null, succeeded: [] };
  return rows.map((row) => (anew.has(row.stageId) ? { ...row, ...forgotten } : row));
}

const answers = ({ condition }: DoneStage) => outcomesNamed(condition ?? "").some((name) => name !== "success");

/** Also those before the ones that it needs. */
function stagesBefore(rows: readonly DoneStage[], { needs }: Pick<DoneStage, "needs">): string[] {
  const needed = rows.filter(({ stageId }) => needs.includes(stageId));
  return needed.flatMap((row) => [row.stageId, ...stagesBefore(rows, row)]);
}

/** Leaves out what is done; returns the stages that do not run again. */
export function takeOver(planned: readonly PlannedStage[], { of, stages }: Resumed): Map<string, TakenOver> {
  const done = new Map<string, TakenOver>();
  const take = (id: string, outcome: StageOutcome, doneIn: ExecutionName | null) =>
    done.set(id, { outcome, doneIn: doneIn ?? of });
  for (const stage of planned) {
    const before = stages.get(stage.id);
    if (!before?.outcome || !stage.work) continue;
    if (before.state === "succeeded") take(stage.id, before.outcome, before.doneIn);
    else if (before.succeeded.length > 0) leaveOut(stage.work, new Set(before.succeeded));
  }
  // A group is done when all its parts are; inner ones come after the outer ones.
  for (const group of planned.filter((stage) => stage.isGroup).toReversed()) {
    const parts = planned.filter((stage) => stage.parent === group.id);
    const before = stages.get(group.id);
    if (before?.outcome && before.state === "succeeded" && parts.every((part) => done.has(part.id)))
      take(group.id, before.outcome, before.doneIn);
  }
  for (const stage of planned) if (done.has(stage.id) && stage.work) stage.work.chosen = [];
  return done;
}

function leaveOut(work: NonNullable<PlannedStage["work"]>, succeeded: ReadonlySet<string>): void {
  const keep = work.chosen.map((chosen) => !succeeded.has(chosen.targetId));
  if (!keep.includes(true)) return;
  work.batches.of = work.batches.of.filter((_, i) => keep[i]);
  work.chosen = work.chosen.filter((_, i) => keep[i]);
}
