// A contradiction between the audit log's chain and what an agent keeps of it: recorded once, audited, and shown until a
// person settles it. Called for the word of an agent by grpc/connect.ts, and by compare-kept.ts.
import { type Context, systemActor } from "../context.ts";
import { writeAudit } from "./audit.ts";
import type { CheckpointRow } from "./audit-chain-queries.ts";
import { insertFork, type NewFork } from "./audit-fork-queries.ts";
import { isSignedBy, loadCheckpointKey } from "./checkpoints.ts";

export interface ReportedFork {
  kind: "other_hash" | "backwards" | "other_key" | "chain_differs";
  kept: CheckpointRow;
  /** Of the chain itself it has no signature; no hash when the chain ends before. */
  told: Pick<CheckpointRow, "position"> & Partial<CheckpointRow>;
  noticedAt: Date;
}

export async function reportFork(
  ctx: Context,
  agent: { agentId: string; agentName: string },
  { kind, kept, told, noticedAt }: ReportedFork,
): Promise<void> {
  const proven = await isProven(ctx, kept, told);
  const fork: NewFork = {
    ...{ id: ctx.newId(), agentId: agent.agentId, kind, position: kept.position, keptHash: kept.hash },
    ...{ toldPosition: told.position, toldHash: told.hash ?? null, proven, noticedAt, reportedAt: ctx.now() },
  };
  const isNew = await ctx.sql.begin(async (tx) => {
    if (!(await insertFork(tx, fork))) return false;
    const detail = {
      ...{ fork: fork.id, kind, proven, noticedAt: noticedAt.toISOString(), keptPosition: String(kept.position) },
      ...{ keptHash: kept.hash.toString("hex"), toldPosition: String(told.position) },
      toldHash: told.hash?.toString("hex") ?? null,
    };
    await writeAudit(ctx, tx, systemActor, {
      action: "audit.fork_found",
      object: { kind: "agent", id: agent.agentId, name: agent.agentName },
      detail,
    });
    ctx.log.error({ agentName: agent.agentName, ...detail }, "audit.fork_found");
    return true;
  });
  if (isNew) ctx.live.publish({ kind: "changed", topic: "audit", ids: [] });
}

/** Both are our own word; an agent could have made up the others. */
async function isProven(ctx: Context, kept: CheckpointRow, told: ReportedFork["told"]): Promise<boolean> {
  const { publicKey } = await loadCheckpointKey(ctx);
  const isOurs = (c: CheckpointRow) => isSignedBy(publicKey, ctx.clusterId, c);
  if (!isOurs(kept)) return false;
  const { hash, at, keyId, signature } = told;
  return signature && hash && at && keyId ? isOurs({ position: told.position, hash, at, keyId, signature }) : true;
}
