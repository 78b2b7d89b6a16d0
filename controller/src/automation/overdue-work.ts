// What happens because time passed: queued work expires, running work past its timeout is asked to stop. Rounds of the
// duties in automation.ts.
import type { Context } from "../context.ts";
import { advanceExecutions } from "./advance-executions.ts";
import { type Dispatcher, desireOf } from "./dispatcher.ts";
import { expireAssignments, markOverdue } from "./overdue-queries.ts";
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
