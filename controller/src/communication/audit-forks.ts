// What agents found that contradicts the audit log's chain, and a person's word on it. Called by the routes of audit/forks.
import type { AuditFork } from "@opsconductor/contract/api/audit";
import { OcError } from "@opsconductor/contract/errors";
import type { Actor, Context } from "../context.ts";
import { writeAudit } from "./audit.ts";
import { countOpenForks, type ForkRow, selectForks, settleForkRow } from "./audit-fork-queries.ts";

const mostShown = 200;

export async function listForks(ctx: Pick<Context, "sql">): Promise<{ items: AuditFork[]; open: number }> {
  const [rows, open] = await Promise.all([selectForks(ctx.sql, mostShown), countOpenForks(ctx.sql)]);
  return { items: rows.map(presentFork), open };
}

/** It stays in the list and in the log: what happened is known, and by whom. */
export async function settleFork(
  ctx: Context,
  actor: Actor,
  { id, reason }: { id: string; reason: string },
): Promise<AuditFork> {
  const row = await ctx.sql.begin(async (tx) => {
    const settled = await settleForkRow(tx, { id, at: ctx.now(), by: actor.name, reason });
    if (!settled) throw new OcError("not_found", "There is no such open fork: somebody else may have settled it.");
    await writeAudit(ctx, tx, actor, {
      action: "audit.fork_settled",
      object: { kind: "agent", id: settled.agentId, name: settled.agentName },
      detail: { fork: id, kind: settled.kind, reason },
    });
    return settled;
  });
  ctx.live.publish({ kind: "changed", topic: "audit", ids: [] });
  return presentFork(row);
}

function presentFork(row: ForkRow): AuditFork {
  return {
    ...{ id: row.id, agentId: row.agentId, agentName: row.agentName, kind: row.kind as AuditFork["kind"] },
    ...{ position: Number(row.position), keptHash: row.keptHash.toString("hex") },
    ...{ toldPosition: Number(row.toldPosition), toldHash: row.toldHash?.toString("hex") ?? null },
    ...{ proven: row.proven, noticedAt: row.noticedAt.toISOString(), reportedAt: row.reportedAt.toISOString() },
    settled: row.settledAt && {
      at: row.settledAt.toISOString(),
      by: row.settledBy ?? "",
      reason: row.settledReason ?? "",
    },
  };
}
