// What happens without an agent's word: queued work expires, running work past its timeout is asked to stop, work of a
// revoked agent ends. Rounds of the duties in automation.ts.
import { type Context, systemActor } from "../context.ts";
import { advanceExecutions } from "./advance-executions.ts";
import type { AutomationMetrics } from "./automation-metrics.ts";
import { type Dispatcher, desireOf } from "./dispatcher.ts";
import { endRevoked, expireAssignments, markOverdue } from "./overdue-queries.ts";
import { publishAssignments, publishExecutions, publishTimelines } from "./publish-changes.ts";
import { insertNotes, type TimelineNote } from "./timeline-queries.ts";

const rowsPerRound = 1000;

type Finished = Pick<AutomationMetrics, "finished">;

export async function expireQueued(
  ctx: Pick<Context, "sql" | "now" | "log" | "live">,
  metrics: Finished,
): Promise<void> {
  for (;;) {
    const at = ctx.now();
    const { expired, executions } = await ctx.sql.begin(async (tx) => {
      const expired = await expireAssignments(tx, at, rowsPerRound);
      const executions = await advanceExecutions(
        tx,
        expired.map((a) => ({ executionId: a.executionId, stageId: a.stageId, from: "queued", to: "expired", at })),
      );
      await insertNotes(tx, notesOf(expired, "assignment.expired", at));
      return { expired, executions };
    });
    publishExecutions(ctx, executions);
    metrics.finished.inc({ state: "expired" }, expired.length);
    const stateReason = "its agent was not connected in time";
    publishAssignments(
      ctx,
      executions,
      expired.map((a) => ({ ...a, state: "expired", stateReason })),
    );
    for (const a of expired) ctx.log.warn({ assignmentId: a.id, target: a.targetName }, "assignment.expired");
    if (expired.length < rowsPerRound) return;
  }
}

/** The agent ends its steps at the timeout by itself; this stands behind it. Its answer makes the outcome timed_out. */
export async function stopOverdue(
  ctx: Pick<Context, "sql" | "now" | "log" | "live">,
  dispatcher: Dispatcher,
): Promise<void> {
  const at = ctx.now();
  const rows = await ctx.sql.begin(async (tx) => {
    const rows = await markOverdue(tx, at, rowsPerRound);
    await insertNotes(tx, notesOf(rows, "timeout.stop_requested", at));
    return rows;
  });
  publishTimelines(
    ctx,
    rows.map((row) => row.executionId),
  );
  for (const row of rows) {
    ctx.log.warn({ assignmentId: row.id, agentId: row.agentId }, "assignment.overdue");
    dispatcher.desire(row.agentId, desireOf(row));
  }
}

/**
 * Rows are looked at again and again, because work may be created for an agent in the very moment of its revocation.
 * What the agent still tells before its stream is cut stands if it came first, and is evidence if it came later.
 */
export async function endRevokedWork(
  ctx: Pick<Context, "sql" | "now" | "log" | "live">,
  metrics: Finished,
): Promise<void> {
  for (;;) {
    const at = ctx.now();
    const { ended, executions } = await ctx.sql.begin(async (tx) => {
      const ended = await endRevoked(tx, at, rowsPerRound);
      const transitions = ended.map((a) => ({ ...a, to: a.state, at }));
      for (const state of ["lost", "expired"] as const)
        await insertNotes(
          tx,
          notesOf(
            ended.filter((a) => a.state === state),
            `assignment.${state}`,
            at,
          ),
        );
      return { ended, executions: await advanceExecutions(tx, transitions) };
    });
    publishExecutions(ctx, executions);
    publishAssignments(ctx, executions, ended);
    for (const a of ended) metrics.finished.inc({ state: a.state });
    publishTimelines(
      ctx,
      ended.map((a) => a.executionId),
    );
    for (const a of ended)
      ctx.log.warn({ assignmentId: a.id, target: a.targetName, reason: a.stateReason }, `assignment.${a.state}`);
    if (ended.length < rowsPerRound) return;
  }
}

function notesOf(
  rows: readonly { id: string; executionId: string; targetName: string; stateReason?: string }[],
  kind: TimelineNote["kind"],
  at: Date,
): TimelineNote[] {
  return rows.map(({ id: assignmentId, executionId, targetName, stateReason }) => ({
    ...{ executionId, assignmentId, targetName, kind, at },
    detail: stateReason === undefined ? {} : { by: systemActor.name, reason: stateReason },
  }));
}
