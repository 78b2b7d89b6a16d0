// Cancels an execution: what waits ends at once, what an agent holds is asked to stop and ends by the agent's word.
// Called by POST executions/{id}/cancel. Asking again is harmless.
import type { Execution } from "@opsconductor/contract/api/executions";
import { OcError } from "@opsconductor/contract/errors";
import { executionStates, isTerminal } from "@opsconductor/contract/states";
import { isStorable } from "../assets/storable-text.ts";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context, Query } from "../context.ts";
import { demandOnAssignments } from "../identity/demand-on.ts";
import { readableOf } from "../identity/readable-of.ts";
import { advanceExecutions } from "./advance-executions.ts";
import { contentOf, selectApproval, setApprovalOutcome } from "./approval-queries.ts";
import { assignmentIdRange } from "./assignment-ids.ts";
import { cancelAssignments, lockUnfinished, markCancelRequested, type UnfinishedAssignment } from "./cancel-queries.ts";
import { desireOf } from "./dispatcher.ts";
import type { ExecutionRow } from "./execution-queries.ts";
import { findExecution } from "./get-execution.ts";
import { presentExecution } from "./present-execution.ts";
import { publishAssignments, publishExecutions, publishTimelines } from "./publish-changes.ts";
import { insertNotes } from "./timeline-queries.ts";

interface Cancelled {
  row: ExecutionRow;
  queued: UnfinishedAssignment[];
  held: UnfinishedAssignment[];
}

export async function cancelExecution(
  ctx: Context,
  actor: Actor,
  { execution, reason }: { execution: string; reason: string },
): Promise<Execution> {
  if (!isStorable(reason)) throw new OcError("invalid_argument", "reason: remove the NUL character.");
  const { id } = await findExecution(ctx.sql, actor, execution, "executions:cancel");
  await demandOnAssignments(ctx, ctx.sql, actor, {
    ...{ permission: "executions:cancel", executionId: id, range: assignmentIdRange(id) },
    what: "all targets of this execution",
  });
  const { row, queued, held } = await ctx.sql.begin((tx) => cancel(ctx, tx, actor, id, reason));
  for (const a of held) {
    const desire = desireOf({ ...a, desired: "cancel", desiredReason: reasonFor(row) });
    if (a.agentId !== null) ctx.automation.dispatcher.desire(a.agentId, desire);
  }
  publishExecutions(ctx, [row]);
  publishAssignments(
    ctx,
    [row],
    [
      ...queued.map((a) => ({ ...a, executionId: id, state: "cancelled" as const, stateReason: reasonFor(row) })),
      ...held.map((a) => ({ ...a, executionId: id, stateReason: "cancel requested" })),
    ],
  );
  publishTimelines(ctx, [id]);
  if (row.orchestrated) ctx.automation.flows.wake([id]);
  ctx.log.info({ executionId: id, ended: queued.length, asked: held.length, actor: actor.name }, "execution.cancelled");
  const answer = presentExecution(row);
  // Who may stop it may not have the right to read what it was given.
  return (await readableOf(ctx, actor, "execution", [id])).has(id) ? answer : { ...answer, inputs: {} };
}

async function cancel(ctx: Context, tx: Query, actor: Actor, id: string, reason: string): Promise<Cancelled> {
  const at = ctx.now();
  const unfinished = await lockUnfinished(tx, id);
  const before = await markCancelRequested(tx, id, { at, by: actor.name, reason });
  if (isTerminal(executionStates, before.state))
    throw new OcError(
      "failed_precondition",
      `Execution ${before.number} is already finished (${before.state}): there is nothing left to cancel.`,
    );
  if (before.state === "awaiting_approval") await endApproval(tx, before, at);
  const queued = unfinished.filter((a) => a.state === "queued");
  const held = unfinished.filter((a) => a.state !== "queued");
  const ids = (rows: readonly UnfinishedAssignment[]) => rows.map((a) => a.id);
  await cancelAssignments(tx, { queued: ids(queued), held: ids(held), at, reason: reasonFor(before) });
  const [row = before] = await advanceExecutions(
    tx,
    queued.map((a) => ({ executionId: id, stageId: a.stageId, from: "queued", to: "cancelled", at })),
  );
  const firstRequest = before.cancelRequestedAt?.getTime() === at.getTime();
  if (firstRequest) {
    const note = { executionId: id, assignmentId: null, targetName: null, kind: "cancel.requested", at } as const;
    await insertNotes(tx, [{ ...note, detail: { by: actor.name, reason, ended: queued.length, asked: held.length } }]);
    await writeAudit(ctx, tx, actor, {
      action: "execution.cancelled",
      object: { kind: "execution", id, name: before.jobName },
      detail: { reason, ended: queued.length, asked: held.length },
    });
  }
  return { row, queued, held };
}

/** Nobody needs to agree any more; what was to be agreed to stays in the record. */
async function endApproval(tx: Query, row: ExecutionRow, at: Date): Promise<void> {
  const approval = await selectApproval(tx, row.id);
  if (approval?.outcome === null)
    await setApprovalOutcome(tx, row.id, { ...(await contentOf(tx, row, approval)), outcome: "cancelled", at });
}

function reasonFor(row: ExecutionRow): string {
  return row.cancelReason
    ? `cancelled by ${row.cancelRequestedBy}: ${row.cancelReason}`
    : `cancelled by ${row.cancelRequestedBy}`;
}
