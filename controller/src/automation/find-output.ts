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

export async function findOutput(ctx: Context, actor: Actor, params: OutputParams): Promise<FoundOutput> {
  const execution = await findExecution(ctx.sql, actor, params.execution);
  const storable = isStorable(params.target) && isStorable(params.step);
  const [assignment] = storable
    ? await selectAssignments(ctx.sql, actor, { executionId: execution.id, target: params.target, limit: 1 })
    : [];
  if (!assignment)
    throw new OcError(
      "not_found",
      `Execution ${execution.number} has no target ${params.target}: see its assignments.`,
    );
  const tries = await selectTries(ctx.sql, [assignment.id]);
  const row = tries.filter((t) => t.stepId === params.step && (params.try ?? t.try) === t.try).at(-1);
  if (!row) await refuseUnknown(ctx, execution, assignment, params);
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

async function refuseUnknown(
  ctx: Context,
  execution: ExecutionRow,
  assignment: AssignmentListRow,
  params: OutputParams,
): Promise<void> {
  const stages = await selectStages(ctx.sql, execution.id);
  const steps = stages.find((s) => s.stageId === assignment.stageId)?.steps ?? [];
  if (!steps.some((s) => s.id === params.step))
    throw new OcError(
      "not_found",
      `There is no step ${params.step}: the steps are ${steps.map((s) => s.id).join(", ")}.`,
    );
  if (params.try !== undefined)
    throw new OcError("not_found", `Step ${params.step} has no try ${params.try} on ${assignment.targetName}.`);
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
