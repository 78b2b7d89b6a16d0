// The appender of the audit log's chain: takes what was committed since the last round, in batches, and signs a
// checkpoint now and then. Called every half second by audit-duties.ts; any number of controllers may.
import { createHash } from "node:crypto";
import { type AuditRecord, auditBytes, auditSeed } from "@opsconductor/contract/audit-chain";
import type { Context } from "../context.ts";
import {
  type ChainLink,
  insertCheckpoint,
  insertLinks,
  selectAnchor,
  selectLastCheckpoint,
  selectLastLink,
  selectUnchained,
  tryLockChain,
} from "./audit-chain-queries.ts";
import { type CheckpointKey, signCheckpoint } from "./checkpoints.ts";

const batch = 500;
const checkpointEveryMs = 60_000;
const checkpointEveryRows = 1000n;

/** The link of position 0, which is stored nowhere. */
export function chainStart(clusterId: string): ChainLink {
  return { position: 0n, hash: createHash("sha256").update(auditSeed(clusterId)).digest() };
}

export function linkAfter(before: ChainLink, record: AuditRecord): ChainLink {
  const hash = createHash("sha256").update(before.hash).update(auditBytes(record)).digest();
  return { position: before.position + 1n, hash };
}

/** Chains all that waits. Returns how many rows that were; 0 also when another controller is at it. */
export async function chainAudit(ctx: Pick<Context, "sql" | "clusterId">): Promise<number> {
  let chained = 0;
  for (;;) {
    const added = await ctx.sql.begin(async (tx) => {
      if (!(await tryLockChain(tx))) return 0;
      const records = await selectUnchained(tx, batch);
      if (records.length === 0) return 0;
      let last = (await selectLastLink(tx)) ?? (await selectAnchor(tx)) ?? chainStart(ctx.clusterId);
      const links = records.map((record) => {
        last = linkAfter(last, record);
        return { ...last, auditId: record.id };
      });
      await insertLinks(tx, links);
      return links.length;
    });
    chained += added;
    if (added < batch) return chained;
  }
}

/** Signs the chain's end when a minute or a thousand rows have passed since the last checkpoint, or when `always`. */
export async function writeCheckpoint(
  ctx: Pick<Context, "sql" | "clusterId" | "now">,
  key: CheckpointKey,
  { always = false } = {},
): Promise<void> {
  const [last, checkpoint] = [await selectLastLink(ctx.sql), await selectLastCheckpoint(ctx.sql)];
  if (!last || last.position === checkpoint?.position) return;
  const rows = last.position - (checkpoint?.position ?? 0n);
  const ageMs = checkpoint ? ctx.now().getTime() - Date.parse(checkpoint.at) : Number.POSITIVE_INFINITY;
  if (!always && rows < checkpointEveryRows && ageMs < checkpointEveryMs) return;
  await insertCheckpoint(ctx.sql, signCheckpoint(key, ctx.clusterId, { ...last, at: chainTime(ctx.now()) }));
}

/** With the six digits that the database has. */
export function chainTime(at: Date): string {
  return at.toISOString().replace("Z", "000Z");
}
