// Steps of an execution with their tries, also of those that have not begun. Called by GET executions/{id}/steps.
import type { Step, stepListQuery } from "@opsconductor/contract/api/executions";
import { OcError } from "@opsconductor/contract/errors";
import type { z } from "zod";
import { isStorable } from "../assets/storable-text.ts";
import type { Actor, Context } from "../context.ts";
import type { StepRow, TryRow } from "./attempt.ts";
import { shownStepState, unbegunStepState } from "./choose-step-states.ts";
import { findExecution } from "./get-execution.ts";
import { iso } from "./present-execution.ts";
import { type AssignmentListRow, type StageRow, selectAssignments, selectStages } from "./read-queries.ts";
import { selectSteps, selectTries } from "./result-queries.ts";

/** More targets than this need `target=`, or the answer would be too large for one page. */
const maxTargets = 200;

type Params = z.infer<typeof stepListQuery> & { execution: string };

export async function listSteps(
  ctx: Pick<Context, "sql">,
  actor: Actor,
  { execution, target, step }: Params,
): Promise<{ items: Step[] }> {
  const { id: executionId } = await findExecution(ctx.sql, actor, execution);
  if (target !== undefined && !isStorable(target)) return { items: [] };
  const [rows, stages] = await Promise.all([
    selectAssignments(ctx.sql, actor, { executionId, target, limit: maxTargets + 1 }),
    selectStages(ctx.sql, executionId),
  ]);
  if (rows.length > maxTargets)
    throw new OcError("invalid_argument", `More than ${maxTargets} targets: name one with target=.`);
  const ids = rows.map((r) => r.id);
  const [steps, tries] = await Promise.all([selectSteps(ctx.sql, ids), selectTries(ctx.sql, ids)]);
  const stepsBy = Map.groupBy(steps, (s) => `${s.assignmentId} ${s.attempt} ${s.stepId}`);
  const triesBy = Map.groupBy(tries, (t) => `${t.assignmentId} ${t.stepId}`);
  const items = rows.flatMap((row) =>
    planned(stages, row)
      .filter((p) => step === undefined || p.id === step)
      .map((p) =>
        presentStep(
          row,
          p,
          stepsBy.get(`${row.id} ${row.attempt} ${p.id}`)?.[0],
          triesBy.get(`${row.id} ${p.id}`) ?? [],
        ),
      ),
  );
  return { items };
}

interface PlannedStep {
  id: string;
  name: string;
  position: number;
}

function planned(stages: readonly StageRow[], row: AssignmentListRow): PlannedStep[] {
  const steps = stages.find((s) => s.stageId === row.stageId)?.steps ?? [];
  return steps.map(({ id, name }, position) => ({ id, name, position }));
}

function presentStep(
  assignment: AssignmentListRow,
  planned: PlannedStep,
  row: StepRow | undefined,
  tries: readonly TryRow[],
): Step {
  const state = row ? shownStepState(row.state, assignment.state) : unbegunStepState(assignment.state);
  // Its time ends where its assignment was given up, until the host tells a better one.
  const finishedAt = row?.finishedAt ?? (row && state === "lost" ? assignment.finishedAt : null);
  return {
    assignmentId: assignment.id,
    targetName: assignment.targetName,
    stepId: planned.id,
    name: planned.name,
    position: planned.position,
    state,
    reason: row?.reason ?? "",
    startedAt: iso(row?.startedAt ?? null),
    finishedAt: iso(finishedAt),
    outputs: row?.outputs ?? null,
    changed: row?.changed ?? null,
    tries: tries.map(presentTry),
  };
}

const numberOf = (n: bigint | null): number | null => (n === null ? null : Number(n));

function presentTry(t: TryRow): Step["tries"][number] {
  return {
    attempt: t.attempt,
    try: t.try,
    state: t.state,
    reason: t.reason,
    exitCode: t.exitCode,
    signal: t.signal,
    startedAt: iso(t.startedAt),
    finishedAt: iso(t.finishedAt),
    durationMs: numberOf(t.durationMs),
    storedBytes: Number(t.storedBytes),
    storedLines: Number(t.storedLines),
    outputBytes: numberOf(t.outputBytes),
    outputSha256: t.outputSha256 === null ? null : Buffer.from(t.outputSha256).toString("hex"),
    outputVerified: t.outputVerified,
    rawBytes: numberOf(t.rawBytes),
    gaps: t.gaps,
  };
}
