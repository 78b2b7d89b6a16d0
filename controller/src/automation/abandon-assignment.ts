// Declares an assignment lost when nobody may ever tell how it ended: its host is gone, or its agent named output that
// never comes. The host may still be running it; what it tells later is kept as evidence and changes nothing, and if it
// returns it is asked to stop. Called by POST executions/{id}/assignments/{assignmentId}/abandon, and by the duty behind
// OC_LOST_AFTER.
import type { Assignment } from "@opsconductor/contract/api/executions";
import { OcError } from "@opsconductor/contract/errors";
import { writeAudit } from "../communication/audit.ts";
import { type Actor, type Context, type Query, systemActor } from "../context.ts";
import { demandOnAssignments } from "../identity/demand-on.ts";
import { type AbandonableAssignment, lockAbandonable, lockLongUnreachable, markAbandoned } from "./abandon-queries.ts";
import { advanceExecutions } from "./advance-executions.ts";
import type { AutomationMetrics } from "./automation-metrics.ts";
import { type AutomationBase, desireOf } from "./dispatcher.ts";
import type { ExecutionRow } from "./execution-queries.ts";
import { findExecution } from "./get-execution.ts";
import { findAssignment } from "./list-assignments.ts";
import { reasonNotToAbandon } from "./may-abandon-state.ts";
import { publishAssignments, publishExecutions, publishTimelines } from "./publish-changes.ts";
import { insertNotes } from "./timeline-queries.ts";

export async function abandonAssignment(
  ctx: Context,
  actor: Actor,
  params: { execution: string; assignmentId: string; reason: string },
): Promise<Assignment> {
  const execution = await findExecution(ctx.sql, actor, params.execution, "executions:abandon");
  const { row, executions } = await ctx.sql.begin((tx) => abandon(ctx, tx, actor, execution, params));
  const { automation, log } = ctx;
  automation.metrics.finished.inc({ state: "lost" });
  if (row.agentId !== null && row.fence !== null) {
    const wish = {
      ...row,
      agentId: row.agentId,
      fence: row.fence,
      desired: "cancel",
      desiredReason: wishOf(actor),
    } as const;
    automation.dispatcher.desire(row.agentId, desireOf(wish));
    automation.dispatcher.release(row.agentId);
  }
  const stateReason = reasonOf(actor.name, params.reason, row);
  publishExecutions(ctx, executions);
  publishAssignments(ctx, executions, [{ ...row, state: "lost", stateReason }]);
  publishTimelines(ctx, [execution.id]);
  log.warn({ assignmentId: row.id, target: row.targetName, actor: actor.name, stateReason }, "assignment.abandoned");
  return await findAssignment(ctx, systemActor, execution.id, row.id);
}

async function abandon(
  ctx: Context,
  tx: Query,
  actor: Actor,
  execution: ExecutionRow,
  { assignmentId, reason }: { assignmentId: string; reason: string },
): Promise<{ row: AbandonableAssignment; executions: ExecutionRow[] }> {
  const at = ctx.now();
  const row = await lockAbandonable(tx, execution.id, assignmentId);
  if (!row) throw new OcError("not_found", `Execution ${execution.number} has no such assignment: read them again.`);
  const mine = { permission: "executions:abandon", executionId: execution.id, what: row.targetName } as const;
  await demandOnAssignments(ctx, tx, actor, { ...mine, range: { from: row.id, to: row.id } });
  const unfit = reasonNotToAbandon(row);
  if (unfit) throw new OcError("failed_precondition", `${row.targetName} cannot be declared lost: ${unfit}`);
  await markAbandoned(tx, [row.id], { at, reason: reasonOf(actor.name, reason, row), wish: wishOf(actor) });
  const executions = await advanceExecutions(tx, [
    { executionId: execution.id, stageId: row.stageId, from: row.state, to: "lost", at },
  ]);
  const detail = { by: actor.name, reason, from: row.state, told: row.finish?.state ?? null };
  const { targetName } = row;
  await insertNotes(tx, [{ executionId: execution.id, assignmentId, targetName, kind: "assignment.lost", at, detail }]);
  await writeAudit(ctx, tx, actor, {
    action: "assignment.abandoned",
    object: { kind: "execution", id: execution.id, name: execution.jobName },
    before: { state: row.state },
    after: { state: "lost" },
    detail: { assignmentId, target: targetName, reason, unreachable: row.unreachable },
  });
  return { row, executions };
}

const wishOf = (actor: { name: string }) => `declared lost by ${actor.name}`;

function reasonOf(by: string, reason: string, { finish }: Pick<AbandonableAssignment, "finish">): string {
  const told = finish === null ? "" : `; the agent had told that it ${finish.state}, but not all of its output came`;
  return `declared lost by ${by}: ${reason}${told}`;
}

const rowsPerRound = 1000;

/** One round of the duty: agents that gave no sign for `lostAfterMs`. */
export async function abandonUnreachable(
  ctx: Pick<AutomationBase, "sql" | "now" | "log" | "live" | "newId">,
  metrics: Pick<AutomationMetrics, "finished">,
  lostAfterMs: number,
): Promise<void> {
  for (;;) {
    const at = ctx.now();
    const { rows, executions } = await ctx.sql.begin(async (tx) => {
      const rows = await lockLongUnreachable(tx, new Date(at.getTime() - lostAfterMs), rowsPerRound);
      const ids = rows.map((r) => r.id);
      await markAbandoned(tx, ids, { at, reason: unreachableReason, wish: wishOf(systemActor) });
      const executions = await advanceExecutions(
        tx,
        rows.map(({ executionId, stageId, state }) => ({ executionId, stageId, from: state, to: "lost", at })),
      );
      await insertNotes(
        tx,
        rows.map(({ id, executionId, targetName, state, since }) => ({
          ...{ executionId, targetName, assignmentId: id, kind: "assignment.lost", at },
          detail: { by: systemActor.name, reason: unreachableReason, from: state, since: since.toISOString() },
        })),
      );
      for (const { id, targetName, executionId } of rows)
        await writeAudit(ctx, tx, systemActor, {
          action: "assignment.abandoned",
          object: { kind: "execution", id: executionId },
          after: { state: "lost" },
          detail: { assignmentId: id, target: targetName, reason: unreachableReason },
        });
      return { rows, executions };
    });
    metrics.finished.inc({ state: "lost" }, rows.length);
    publishExecutions(ctx, executions);
    publishAssignments(
      ctx,
      executions,
      rows.map((r) => ({ ...r, state: "lost", stateReason: unreachableReason })),
    );
    publishTimelines(
      ctx,
      rows.map((r) => r.executionId),
    );
    for (const r of rows) ctx.log.warn({ assignmentId: r.id, target: r.targetName }, "assignment.lost");
    if (rows.length < rowsPerRound) return;
  }
}

const unreachableReason = "its agent gave no sign for longer than OC_LOST_AFTER";
