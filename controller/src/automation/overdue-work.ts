// What happens without an agent's word: queued work expires, running work past its timeout is asked to stop, work of a
// revoked agent ends. Rounds of the duties in automation.ts.
import type { Context } from "../context.ts";
import { advanceExecutions } from "./advance-executions.ts";
import { type Dispatcher, desireOf } from "./dispatcher.ts";
import { endRevoked, expireAssignments, markOverdue } from "./overdue-queries.ts";
import { publishAssignments, publishExecutions } from "./publish-changes.ts";

const rowsPerRound = 1000;

export async function expireQueued(ctx: Pick<Context, "sql" | "now" | "log" | "live">): Promise<void> {
  for (;;) {
    const at = ctx.now();
    const { expired, executions } = await ctx.sql.begin(async (tx) => {
      const expired = await expireAssignments(tx, at, rowsPerRound);
      const executions = await advanceExecutions(
        tx,
        expired.map((a) => ({ executionId: a.executionId, stageId: a.stageId, from: "queued", to: "expired", at })),
      );
      return { expired, executions };
    });
    publishExecutions(ctx, executions);
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
export async function stopOverdue(ctx: Pick<Context, "sql" | "now" | "log">, dispatcher: Dispatcher): Promise<void> {
  for (const row of await markOverdue(ctx.sql, ctx.now(), rowsPerRound)) {
    ctx.log.warn({ assignmentId: row.id, agentId: row.agentId }, "assignment.overdue");
    dispatcher.desire(row.agentId, desireOf(row));
  }
}

/**
 * Rows are looked at again and again, because work may be created for an agent in the very moment of its revocation.
 * What the agent still tells before its stream is cut stands if it came first, and is evidence if it came later.
 */
export async function endRevokedWork(ctx: Pick<Context, "sql" | "now" | "log" | "live">): Promise<void> {
  for (;;) {
    const at = ctx.now();
    const { ended, executions } = await ctx.sql.begin(async (tx) => {
      const ended = await endRevoked(tx, at, rowsPerRound);
      const transitions = ended.map((a) => ({ ...a, to: a.state, at }));
      return { ended, executions: await advanceExecutions(tx, transitions) };
    });
    publishExecutions(ctx, executions);
    publishAssignments(ctx, executions, ended);
    for (const a of ended)
      ctx.log.warn({ assignmentId: a.id, target: a.targetName, reason: a.stateReason }, `assignment.${a.state}`);
    if (ended.length < rowsPerRound) return;
  }
}
