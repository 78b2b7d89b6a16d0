// Why was it different this time? Two executions beside each other: steps with their durations and outputs, and every
// target. Called by GET executions/{id}/compare and compare/targets.
import {
  type ComparedStep,
  type ComparedTarget,
  type Comparison,
  type compareTargetsQuery,
  type TargetChange,
  targetChanges,
} from "@opsconductor/contract/api/compare";
import { OcError } from "@opsconductor/contract/errors";
import type { z } from "zod";
import { isStorable } from "../assets/storable-text.ts";
import type { Actor, Context } from "../context.ts";
import { decodeCursor, encodeCursor } from "../cursor.ts";
import {
  type ComparedStepRow,
  type ComparedTargetFilter,
  type ComparedTargetRow,
  countComparedTargets,
  type StepSideRow,
  selectComparedSteps,
  selectComparedTargets,
  selectPrevious,
} from "./compare-queries.ts";
import type { ExecutionRow } from "./execution-queries.ts";
import { findExecution } from "./get-execution.ts";
import { presentExecution } from "./present-execution.ts";
import { asUuid, type StageRow, selectStages } from "./read-queries.ts";
import { withoutNestedLoops } from "./without-nested-loops.ts";

/** `with` is the one before; it may be `previous`. */
interface Sides {
  execution: string;
  with: string;
}

export async function compareExecutions(ctx: Pick<Context, "sql">, actor: Actor, params: Sides): Promise<Comparison> {
  const { before, after } = await findBoth(ctx, actor, params);
  const ids = { before: before.id, after: after.id };
  const [stagesBefore, stagesAfter, [steps, counts]] = await Promise.all([
    selectStages(ctx.sql, before.id),
    selectStages(ctx.sql, after.id),
    withoutNestedLoops(ctx, (tx) =>
      Promise.all([selectComparedSteps(tx, actor, ids), countComparedTargets(tx, actor, ids)]),
    ),
  ]);
  const none = Object.fromEntries(targetChanges.map((change) => [change, 0])) as Record<TargetChange, number>;
  return {
    before: presentExecution(before),
    after: presentExecution(after),
    sameDefinition: Buffer.from(before.definitionSha256).equals(Buffer.from(after.definitionSha256)),
    steps: alignSteps(stagesBefore, stagesAfter, steps),
    targets: { ...none, ...Object.fromEntries(counts.map(({ change, n }) => [change, Number(n)])) },
  };
}

export async function listComparedTargets(
  ctx: Pick<Context, "sql">,
  actor: Actor,
  params: z.infer<typeof compareTargetsQuery> & Sides,
): Promise<{ items: ComparedTarget[]; nextCursor?: string }> {
  const { before, after } = await findBoth(ctx, actor, params);
  const { change, q, limit, cursor } = params;
  if (q !== undefined && !isStorable(q)) return { items: [] };
  const filter = { change, q, after: cursor === undefined ? undefined : placeOfCursor(cursor), limit: limit + 1 };
  const ids = { before: before.id, after: after.id };
  const rows = await withoutNestedLoops(ctx, (tx) => selectComparedTargets(tx, actor, ids, filter));
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const items = shown.map(presentTarget);
  if (rows.length <= limit || !last) return { items };
  return { items, nextCursor: encodeCursor([String(last.rank), last.targetName, last.stageId, last.targetId]) };
}

async function findBoth(
  ctx: Pick<Context, "sql">,
  actor: Actor,
  params: Sides,
): Promise<{ before: ExecutionRow; after: ExecutionRow }> {
  const after = await findExecution(ctx.sql, actor, params.execution);
  if (params.with !== "previous") return { before: await findExecution(ctx.sql, actor, params.with), after };
  const previous = await selectPrevious(ctx.sql, actor, after);
  if (previous === undefined)
    throw new OcError(
      "not_found",
      `There is no execution of ${after.jobName} before ${after.number}: choose another one to compare it with.`,
    );
  return { before: await findExecution(ctx.sql, actor, previous), after };
}

type Side = "before" | "after";

/** In the order of the later execution; what only the earlier one had comes last. */
function alignSteps(
  before: readonly StageRow[],
  after: readonly StageRow[],
  rows: readonly ComparedStepRow[],
): ComparedStep[] {
  const byKey = new Map(rows.map((row) => [keyOf(row.stageId, row.stepId), row]));
  const planned = new Map<string, Pick<ComparedStep, "stage" | "step" | "name"> & Partial<Record<Side, StageRow>>>();
  for (const [when, stages] of [
    ["after", after],
    ["before", before],
  ] as const)
    for (const stage of stages)
      for (const { id, name } of stage.steps) {
        const key = keyOf(stage.stageId, id);
        planned.set(key, { ...(planned.get(key) ?? { stage: stage.stageId, step: id, name }), [when]: stage });
      }
  const side = (stage: StageRow | undefined, row: StepSideRow | null | undefined) =>
    stage ? { ...(row ?? unbegun), doneIn: stage.doneIn } : null;
  return [...planned].map(([key, { before, after, ...step }]) => ({
    ...step,
    before: side(before, byKey.get(key)?.before),
    after: side(after, byKey.get(key)?.after),
    sameOutput: Number(byKey.get(key)?.sameOutput ?? 0n),
    otherOutput: Number(byKey.get(key)?.otherOutput ?? 0n),
  }));
}
const unbegun: StepSideRow = { targets: 0, succeeded: 0, medianMs: null, maxMs: null };
const keyOf = (stageId: string, stepId: string) => `${stageId}\n${stepId}`;

function placeOfCursor(cursor: string): ComparedTargetFilter["after"] {
  const [rank, name, stageId, targetId] = decodeCursor(cursor, 4) as [string, string, string, string];
  if (!/^\d$/.test(rank) || asUuid(targetId) === null)
    throw new OcError("invalid_argument", "The cursor is not one of ours: start from the first page.");
  return { rank, name, stageId, targetId };
}

function presentTarget(row: ComparedTargetRow): ComparedTarget {
  const side = (one: ComparedTargetRow["before"]) =>
    one && { assignmentId: one.id, state: one.state, durationMs: one.ms };
  return {
    stage: row.stageId,
    targetId: row.targetId,
    targetName: row.targetName,
    change: row.change,
    steps: row.steps ?? [],
    before: side(row.before),
    after: side(row.after),
  };
}
