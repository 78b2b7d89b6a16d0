// What a workflow that is run again from its failed stages takes over from the execution before: stages that succeeded
// count as done with their outputs, the others run where they have not succeeded yet. Called by create-flow.ts.
import type { StageOutcome } from "@opsconductor/contract/job/expression";
import type { StageState } from "@opsconductor/contract/states";
import type { Query } from "../context.ts";
import { advanceFlow } from "./advance-flow.ts";
import { selectDone } from "./flow-queries.ts";
import type { PlannedStage } from "./plan-flow.ts";

export interface DoneStage {
  stageId: string;
  parent: string | null;
  state: StageState;
  outcome: StageOutcome | null;
  jobId: string | null;
  jobVersion: number | null;
  /** Names that its targets have now. */
  targets: string[];
  /** Ids of those that are not to be repeated. */
  succeeded: string[];
}

export interface Resumed {
  /** Versions of the jobs that it called. */
  versions: Map<string, number>;
  stages: Map<string, DoneStage>;
}

export async function readResumed(tx: Query, executionId: string, now: Date): Promise<Resumed> {
  // It is over, but what its last stages gave out may not be noted yet: that is a transaction after their end.
  await advanceFlow(tx, executionId, now);
  const rows = await selectDone(tx, executionId);
  const versions = rows.flatMap((row): [string, number][] =>
    row.jobId === null || row.jobVersion === null ? [] : [[row.jobId, row.jobVersion]],
  );
  return { versions: new Map(versions), stages: new Map(rows.map((row) => [row.stageId, row])) };
}

/** Leaves out what is done; returns the outcomes of the stages that do not run again. */
export function takeOver(planned: readonly PlannedStage[], { stages }: Resumed): Map<string, StageOutcome> {
  const done = new Map<string, StageOutcome>();
  for (const stage of planned) {
    const before = stages.get(stage.id);
    if (!before?.outcome || !stage.work) continue;
    if (before.state === "succeeded") done.set(stage.id, before.outcome);
    else if (before.succeeded.length > 0) leaveOut(stage.work, new Set(before.succeeded));
  }
  // A group is done when all its parts are; inner ones come after the outer ones.
  for (const group of planned.filter((stage) => stage.isGroup).toReversed()) {
    const parts = planned.filter((stage) => stage.parent === group.id);
    const before = stages.get(group.id);
    if (before?.outcome && before.state === "succeeded" && parts.every((part) => done.has(part.id)))
      done.set(group.id, before.outcome);
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
