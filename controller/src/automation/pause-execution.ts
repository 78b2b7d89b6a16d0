// Pauses an execution and lets it go on: what waits is not offered, what runs stops before its next step; a step that
// runs is never interrupted. Called by POST executions/{id}/pause and …/resume.
import type { Execution } from "@opsconductor/contract/api/executions";
import { OcError } from "@opsconductor/contract/errors";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context, Query } from "../context.ts";
import { demandOnAssignments } from "../identity/demand-on.ts";
import { readableOf } from "../identity/readable-of.ts";
import { assignmentIdRange } from "./assignment-ids.ts";
import type { DesiredAttempt } from "./dispatch-queries.ts";
import { desireOf } from "./dispatcher.ts";
import type { ExecutionRow } from "./execution-queries.ts";
import { findExecution } from "./get-execution.ts";
import { holdAssignments, markPaused, markResumed, resumeAssignments } from "./pause-queries.ts";
import { presentExecution } from "./present-execution.ts";
import { publishExecutions, publishTimelines } from "./publish-changes.ts";
import { insertNotes } from "./timeline-queries.ts";

interface Changed {
  row: ExecutionRow;
  held: DesiredAttempt[];
}

export async function pauseExecution(ctx: Context, actor: Actor, execution: string): Promise<Execution> {
  const id = await permitted(ctx, actor, execution);
  return await finish(ctx, actor, await ctx.sql.begin((tx) => pause(ctx, tx, actor, id)));
}

export async function resumeExecution(ctx: Context, actor: Actor, execution: string): Promise<Execution> {
  const id = await permitted(ctx, actor, execution);
  const changed = await ctx.sql.begin((tx) => resume(ctx, tx, actor, id));
  if (changed.row.orchestrated) ctx.automation.flows.wake([id]);
  ctx.automation.dispatcher.wake(changed.held.flatMap((row) => row.agentId ?? []));
  return await finish(ctx, actor, changed);
}

async function permitted(ctx: Context, actor: Actor, execution: string): Promise<string> {
  const { id } = await findExecution(ctx.sql, actor, execution, "executions:cancel");
  await demandOnAssignments(ctx, ctx.sql, actor, {
    ...{ permission: "executions:cancel", executionId: id, range: assignmentIdRange(id) },
    what: "all targets of this execution",
  });
  return id;
}

async function pause(ctx: Context, tx: Query, actor: Actor, id: string): Promise<Changed> {
  const at = ctx.now();
  const held = await holdAssignments(tx, id, `paused by ${actor.name}`);
  const row = await markPaused(tx, id, { at, by: actor.name });
  if (!row) throw await refusal(tx, actor, id, "paused");
  await tell(ctx, tx, actor, row, "execution.paused", at);
  return { row, held };
}

async function resume(ctx: Context, tx: Query, actor: Actor, id: string): Promise<Changed> {
  const at = ctx.now();
  const before = await findExecution(tx, actor, id, "executions:cancel");
  const pausedForMs = Math.max(0, at.getTime() - (before.pausedAt?.getTime() ?? at.getTime()));
  const held = await resumeAssignments(tx, id, { pausedForMs });
  const row = await markResumed(tx, id);
  if (!row) throw await refusal(tx, actor, id, "resumed");
  await tell(ctx, tx, actor, row, "execution.resumed", at);
  return { row, held };
}

async function refusal(tx: Query, actor: Actor, id: string, what: string): Promise<OcError> {
  const { number, state, cancelRequestedAt } = await findExecution(tx, actor, id, "executions:cancel");
  const why = cancelRequestedAt && state !== "cancelled" ? "is being cancelled" : `is ${state.replace("_", " ")}`;
  return new OcError("failed_precondition", `Execution ${number} ${why}, so it cannot be ${what}.`);
}

async function tell(
  ctx: Context,
  tx: Query,
  actor: Actor,
  row: ExecutionRow,
  kind: "execution.paused" | "execution.resumed",
  at: Date,
): Promise<void> {
  const note = { executionId: row.id, assignmentId: null, targetName: null, kind, at };
  await insertNotes(tx, [{ ...note, detail: { by: actor.name } }]);
  await writeAudit(ctx, tx, actor, { action: kind, object: { kind: "execution", id: row.id, name: row.jobName } });
}

async function finish(ctx: Context, actor: Actor, { row, held }: Changed): Promise<Execution> {
  for (const one of held)
    if (one.agentId !== null && one.fence !== null) ctx.automation.dispatcher.desire(one.agentId, desireOf(one));
  publishExecutions(ctx, [row]);
  publishTimelines(ctx, [row.id]);
  ctx.log.info({ executionId: row.id, state: row.state, held: held.length }, "execution.paused_or_resumed");
  const answer = presentExecution(row);
  // Who may stop it may not have the right to read what it was given.
  return (await readableOf(ctx, actor, "execution", [row.id])).has(row.id) ? answer : { ...answer, inputs: {} };
}
