// The assignments of an execution in the order of their targets' names, each with the states of its steps. Called by GET
// executions/{id}/assignments.
import type { Assignment, assignmentListQuery } from "@opsconductor/contract/api/executions";
import { OcError } from "@opsconductor/contract/errors";
import { assignmentStates, type StepState } from "@opsconductor/contract/states";
import type { z } from "zod";
import { isStorable } from "../assets/storable-text.ts";
import type { Actor, Context } from "../context.ts";
import { encodeCursor } from "../cursor.ts";
import { chooseStepStates } from "./choose-step-states.ts";
import { findExecution } from "./get-execution.ts";
import { idOfCursor, statesOf } from "./list-executions.ts";
import { reasonNotToAbandon } from "./may-abandon-state.ts";
import { iso } from "./present-execution.ts";
import { type AssignmentListRow, selectAssignments, selectStages, selectStepStates } from "./read-queries.ts";

type Params = z.infer<typeof assignmentListQuery> & { execution: string };

export async function listAssignments(
  ctx: Pick<Context, "sql">,
  actor: Actor,
  { execution, limit, cursor, q, state }: Params,
): Promise<{ items: Assignment[]; nextCursor?: string }> {
  const { id: executionId } = await findExecution(ctx.sql, actor, execution);
  if (q !== undefined && !isStorable(q)) return { items: [] };
  const [rows, stages] = await Promise.all([
    selectAssignments(ctx.sql, actor, {
      ...{ executionId, q, limit: limit + 1, states: statesOf(state, assignmentStates) },
      after: cursor === undefined ? undefined : idOfCursor(cursor),
    }),
    selectStages(ctx.sql, executionId),
  ]);
  const shown = rows.slice(0, limit);
  const begun = await begunSteps(ctx, shown);
  const stepCounts = new Map(stages.map((s) => [s.stageId, s.steps.length]));
  const items = shown.map((row) => ({
    ...presentAssignment(row),
    stepStates: chooseStepStates(stepCounts.get(row.stageId) ?? 0, begun.get(row.id) ?? new Map(), row.state),
  }));
  const last = items.at(-1);
  return rows.length <= limit || !last ? { items } : { items, nextCursor: encodeCursor([last.id]) };
}

async function begunSteps(
  ctx: Pick<Context, "sql">,
  rows: readonly AssignmentListRow[],
): Promise<Map<string, Map<number, StepState>>> {
  const attempts = new Map(rows.map((r) => [r.id, r.attempt]));
  const byAssignment = new Map<string, Map<number, StepState>>();
  for (const s of await selectStepStates(ctx.sql, [...attempts.keys()])) {
    if (s.attempt !== attempts.get(s.assignmentId)) continue;
    const states = byAssignment.get(s.assignmentId) ?? new Map<number, StepState>();
    byAssignment.set(s.assignmentId, states.set(s.position, s.state));
  }
  return byAssignment;
}

/** One of them, whatever its state. */
export async function findAssignment(
  ctx: Pick<Context, "sql">,
  actor: Actor,
  executionId: string,
  assignmentId: string,
): Promise<Assignment> {
  const [[row], stages] = await Promise.all([
    selectAssignments(ctx.sql, actor, { executionId, target: assignmentId, limit: 1 }),
    selectStages(ctx.sql, executionId),
  ]);
  if (!row) throw new OcError("not_found", "There is no such assignment: read the execution's assignments again.");
  const begun = (await begunSteps(ctx, [row])).get(row.id) ?? new Map<number, StepState>();
  const count = stages.find((s) => s.stageId === row.stageId)?.steps.length ?? 0;
  return { ...presentAssignment(row), stepStates: chooseStepStates(count, begun, row.state) };
}

function presentAssignment(row: AssignmentListRow): Omit<Assignment, "stepStates"> {
  return {
    id: row.id,
    stageId: row.stageId,
    batch: row.batch,
    targetId: row.targetId,
    targetName: row.targetName,
    agentId: row.agentId,
    attempt: row.attempt,
    state: row.state,
    stateReason: reasonOf(row),
    unreachable: row.unreachable,
    waitsFor: row.waitsFor,
    unreachableSince: iso(row.unreachableSince),
    desired: row.desired,
    startBefore: row.state === "queued" ? iso(row.startBefore) : null,
    overdueSince: row.finishedAt === null ? iso(row.timedOutAt) : null,
    waitingForOutput: waitingOf(row),
    lateResult: lateResultOf(row),
    canAbandon: row.mayAbandon && reasonNotToAbandon(row) === undefined,
    offeredAt: iso(row.offeredAt),
    acceptedAt: iso(row.acceptedAt),
    startedAt: iso(row.startedAt),
    finishedAt: iso(row.finishedAt),
  };
}

function waitingOf({ finish, finishedAt, missingBytes }: AssignmentListRow): Assignment["waitingForOutput"] {
  if (finish === null || finishedAt !== null || missingBytes === null) return null;
  return { since: new Date(finish.atMs).toISOString(), state: finish.state, missingBytes: Number(missingBytes) };
}

/** The final event of an attempt that had been given up: what it says was not believed, and is worth knowing. */
function lateResultOf({ state, finish }: AssignmentListRow): Assignment["lateResult"] {
  if (state !== "lost" || finish === null || finish.state === "lost") return null;
  return { state: finish.state, reason: finish.reason, at: new Date(finish.atMs).toISOString() };
}

/** What is wanted and has not happened yet is said beside the state; the state itself is only what is known. */
function reasonOf(row: AssignmentListRow): string | null {
  if (row.finishedAt !== null || row.state === "queued") return row.stateReason;
  if (row.desired !== "cancel") return row.stateReason;
  const wanted = row.timedOutAt !== null ? "stop requested, its time is over" : "cancel requested";
  return row.unreachable ? `${wanted}; the agent is unreachable and will be told when it returns` : wanted;
}
