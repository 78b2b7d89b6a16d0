// Targets of a step in groups of the same state, exit code and output, so that of a thousand targets a person reads each
// answer once. Called by GET executions/{id}/output-groups and output-groups/{group}.
import type {
  OutputGroup,
  OutputGroupPage,
  OutputGroupTarget,
  outputGroupQuery,
  outputGroupTargetQuery,
} from "@opsconductor/contract/api/compare";
import { OcError } from "@opsconductor/contract/errors";
import type { z } from "zod";
import type { Actor, Context } from "../context.ts";
import { decodeCursor, encodeCursor } from "../cursor.ts";
import { findExecution } from "./get-execution.ts";
import { idOfCursor } from "./list-executions.ts";
import { type OutputGroupRow, type StepPlace, selectGroupTargets, selectOutputGroups } from "./output-group-queries.ts";
import { selectStages } from "./read-queries.ts";
import { withoutNestedLoops } from "./without-nested-loops.ts";

type Place = { execution: string; step: string; stage?: string | undefined };

export async function listOutputGroups(
  ctx: Pick<Context, "sql">,
  actor: Actor,
  params: z.infer<typeof outputGroupQuery> & { execution: string },
): Promise<OutputGroupPage> {
  const place = await findStep(ctx, actor, params);
  const after = params.cursor === undefined ? undefined : groupOfCursor(params.cursor);
  const rows = await withoutNestedLoops(ctx, (tx) =>
    selectOutputGroups(tx, actor, place, { after, limit: params.limit + 1 }),
  );
  const shown = rows.slice(0, params.limit);
  const last = shown.at(-1);
  return {
    ...{ stage: place.stageId, step: place.stepId, items: shown.map(presentGroup) },
    groups: Number(shown[0]?.groups ?? 0n),
    targets: Number(shown[0]?.targets ?? 0n),
    ...(rows.length > params.limit && last ? { nextCursor: encodeCursor([String(last.count), last.name]) } : {}),
  };
}

export async function listGroupTargets(
  ctx: Pick<Context, "sql">,
  actor: Actor,
  params: z.infer<typeof outputGroupTargetQuery> & { execution: string; group: string },
): Promise<{ items: OutputGroupTarget[]; nextCursor?: string }> {
  const { group, limit, cursor } = params;
  const place = await findStep(ctx, actor, params);
  const after = cursor === undefined ? undefined : idOfCursor(cursor);
  const rows = await withoutNestedLoops(ctx, (tx) =>
    selectGroupTargets(tx, actor, place, { group, after, limit: limit + 1 }),
  );
  const items = rows.slice(0, limit).map((row) => ({ assignmentId: row.id, targetName: row.targetName }));
  const last = items.at(-1);
  return rows.length <= limit || !last ? { items } : { items, nextCursor: encodeCursor([last.assignmentId]) };
}

async function findStep(ctx: Pick<Context, "sql">, actor: Actor, params: Place): Promise<StepPlace> {
  const { id, number } = await findExecution(ctx.sql, actor, params.execution);
  const stages = await selectStages(ctx.sql, id);
  const found = stages.find(
    ({ stageId, steps }) => (params.stage ?? stageId) === stageId && steps.some((step) => step.id === params.step),
  );
  if (found) return { executionId: id, stageId: found.stageId, stepId: params.step };
  const known = stages.flatMap(({ stageId, steps }) =>
    params.stage === undefined || params.stage === stageId ? steps.map((step) => step.id) : [],
  );
  const where = params.stage === undefined ? "" : ` in its stage ${params.stage}`;
  const hint =
    known.length === 0 ? "see the stages of the execution" : `the steps are ${[...new Set(known)].join(", ")}`;
  throw new OcError("not_found", `Execution ${number} has no step ${params.step}${where}: ${hint}.`);
}

function groupOfCursor(cursor: string): { count: string; name: string } {
  const [count, name] = decodeCursor(cursor, 2) as [string, string];
  if (!/^\d{1,15}$/.test(count))
    throw new OcError("invalid_argument", "The cursor is not one of ours: start from the first page.");
  return { count, name };
}

function presentGroup(row: OutputGroupRow): OutputGroup {
  return {
    group: row.name,
    state: row.state,
    exitCode: row.exitCode,
    signal: row.signal,
    outputSha256: row.outputSha256 === null ? null : Buffer.from(row.outputSha256).toString("hex"),
    outputBytes: row.outputBytes === null ? null : Number(row.outputBytes),
    count: Number(row.count),
    sample: { assignmentId: row.sampleId, targetName: row.sampleName },
  };
}
