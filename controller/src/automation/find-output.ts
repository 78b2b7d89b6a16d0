// Which try's output a reader means: the newest of the step on the target unless told. Called by every verb that reads
// output; it also writes the audit, once per reader, stream and quarter of an hour.
import type { outputFileQuery } from "@opsconductor/contract/api/executions";
import { OcError } from "@opsconductor/contract/errors";
import { type AssignmentState, assignmentStates, isTerminal } from "@opsconductor/contract/states";
import type { z } from "zod";
import { isStorable } from "../assets/storable-text.ts";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context } from "../context.ts";
import type { TryRow } from "./attempt.ts";
import type { ExecutionRow } from "./execution-queries.ts";
import { findExecution } from "./get-execution.ts";
import type { OutputStream } from "./output-queries.ts";
import { type AssignmentListRow, selectAssignments, selectStages } from "./read-queries.ts";
import { selectTries } from "./result-queries.ts";

export type OutputParams = Omit<z.infer<typeof outputFileQuery>, "raw"> & { execution: string };

export interface FoundOutput {
  execution: ExecutionRow;
  assignment: AssignmentListRow;
  stream: OutputStream;
  /** Undefined: the step has not begun, there is nothing to read yet. */
  row: TryRow | undefined;
  /** Nothing more will come. */
  complete: boolean;
}

const auditEveryMs = 15 * 60_000;
/** More than any workflow has with all its parts. */
const maxStages = 1000;

export async function findOutput(ctx: Context, actor: Actor, params: OutputParams): Promise<FoundOutput> {
  const execution = await findExecution(ctx.sql, actor, params.execution);
  const assignment = await findAssignment(ctx, actor, execution, params);
  const tries = await selectTries(ctx.sql, [assignment.id]);
  const row = tries.filter((t) => t.stepId === params.step && (params.try ?? t.try) === t.try).at(-1);
  if (!row) await refuseUnknown(ctx, execution.id, assignment, params);
  const { attempt, try: number } = row ?? { attempt: assignment.attempt, try: params.try ?? 1 };
  return {
    ...{ execution, assignment, row },
    stream: { assignmentId: assignment.id, attempt, stepId: params.step, try: number },
    complete: isAllStored(row, assignment.state),
  };
}

/** Nothing more will come of a try. */
export function isAllStored(row: TryRow | undefined, state: AssignmentState): boolean {
  return row?.outputBytes != null ? row.storedBytes >= row.outputBytes : isTerminal(assignmentStates, state);
}

/** A target of a workflow may be in several stages, and their steps may have the same ids. */
async function findAssignment(
  ctx: Context,
  actor: Actor,
  { id, number }: ExecutionRow,
  params: OutputParams,
): Promise<AssignmentListRow> {
  const { target, step, stage } = params;
  const all = await assignmentsOn(ctx, actor, id, params);
  if (all.length === 0)
    throw new OcError("not_found", `Execution ${number} has no target ${target}: see its assignments.`);
  const inStage = all.filter(({ stageId }) => stageId === (stage ?? stageId));
  if (inStage.length === 0)
    throw new OcError("not_found", `${target} is not in the stage ${stage}: it is in ${stageList(all)}.`);
  if (inStage.length === 1) return inStage[0]!;
  const steps = await stepsByStage(ctx, id);
  const [found, ...others] = inStage.filter(({ stageId }) => steps.get(stageId)?.includes(step));
  if (!found)
    throw noSuchStep(
      step,
      inStage.flatMap(({ stageId }) => steps.get(stageId) ?? []),
    );
  if (others.length === 0) return found;
  throw new OcError(
    "failed_precondition",
    `Several stages have a step ${step} on ${target}: say which with stage=, one of ${stageList([found, ...others])}.`,
  );
}

const stageList = (rows: readonly AssignmentListRow[]) => rows.map(({ stageId }) => stageId).join(", ");

const noSuchStep = (step: string, known: readonly string[]) =>
  new OcError("not_found", `There is no step ${step}: the steps are ${[...new Set(known)].join(", ")}.`);

async function stepsByStage(ctx: Context, executionId: string): Promise<Map<string, string[]>> {
  const stages = await selectStages(ctx.sql, executionId);
  return new Map(stages.map(({ stageId, steps }) => [stageId, steps.map((step) => step.id)]));
}

async function refuseUnknown(ctx: Context, id: string, found: AssignmentListRow, params: OutputParams): Promise<void> {
  const known = (await stepsByStage(ctx, id)).get(found.stageId) ?? [];
  if (!known.includes(params.step)) throw noSuchStep(params.step, known);
  if (params.try !== undefined)
    throw new OcError("not_found", `Step ${params.step} has no try ${params.try} on ${found.targetName}.`);
}

async function assignmentsOn(
  ctx: Context,
  actor: Actor,
  executionId: string,
  { target, step }: OutputParams,
): Promise<AssignmentListRow[]> {
  if (!isStorable(target) || !isStorable(step)) return [];
  return await selectAssignments(ctx.sql, actor, { executionId, target, limit: maxStages });
}

/** A page that follows a log asks every second; one row says that this person read it. */
export async function auditOutputRead(ctx: Context, actor: Actor, found: FoundOutput): Promise<void> {
  const { execution, assignment, stream } = found;
  const who = `${actor.sessionId ?? actor.id ?? actor.name}`;
  const key = `${who} ${stream.assignmentId} ${stream.attempt} ${stream.stepId} ${stream.try}`;
  const { outputReaders } = ctx.automation;
  const now = ctx.now().getTime();
  if (now - (outputReaders.get(key) ?? 0) < auditEveryMs) return;
  await writeAudit(ctx, ctx.sql, actor, {
    action: "execution.output_read",
    object: { kind: "execution", id: execution.id, name: execution.jobName },
    detail: { target: assignment.targetName, step: stream.stepId, try: stream.try },
  });
  outputReaders.set(key, now);
}
