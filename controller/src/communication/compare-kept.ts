// Compares the checkpoints that an agent keeps with the chain as it is now: what was rewritten in the database since then
// shows here. Called at every hello of an agent that shares the database's history.
import type { Context } from "../context.ts";
import { type CheckpointRow, selectAnchor } from "./audit-chain-queries.ts";
import { selectLinksAt } from "./audit-fork-queries.ts";
import { isSignedBy, loadCheckpointKey } from "./checkpoints.ts";
import { reportFork } from "./report-fork.ts";

/** `kept`: of this generation of the database; an earlier one may have had more. */
export async function compareKept(
  ctx: Context,
  agent: { agentId: string; agentName: string },
  kept: readonly CheckpointRow[],
): Promise<void> {
  if (kept.length === 0) return;
  const { publicKey } = await loadCheckpointKey(ctx);
  const from = (await selectAnchor(ctx.sql))?.position ?? 0n;
  // What retention removed cannot be compared any more, up to its anchor.
  const ours = kept.filter((c) => c.position >= from && isSignedBy(publicKey, ctx.clusterId, c));
  const links = await selectLinksAt(
    ctx.sql,
    ours.map((c) => c.position),
  );
  const differs = ours.find((c) => !links.some((l) => l.position === c.position && l.hash.equals(c.hash)));
  if (!differs) return;
  const found = links.find((l) => l.position === differs.position) ?? lastOf(links);
  const hash = found?.position === differs.position ? { hash: found.hash } : {};
  const told = { position: found?.position ?? 0n, ...hash };
  await reportFork(ctx, agent, { kind: "chain_differs", kept: differs, told, noticedAt: ctx.now() });
}

const lastOf = <L extends { position: bigint }>(links: readonly L[]): L | undefined =>
  links.toSorted((a, b) => Number(a.position - b.position)).at(-1);
