// Checks the chain in the database, row by row, without holding it in memory. Called by GET audit/verify.
import type { KeyObject } from "node:crypto";
import type { AuditVerification } from "@opsconductor/contract/api/audit";
import type { Context } from "../context.ts";
import {
  type ChainedRow,
  selectAnchor,
  selectChain,
  selectCheckpoints,
  selectForgotten,
  selectLastLink,
} from "./audit-chain-queries.ts";
import { loadCheckpointKey } from "./checkpoints.ts";
import { ChainVerifier, type VerifiedLink } from "./verify-audit.ts";

const batch = 2000;
/** The appender comes twice a second; who waits longer was taken out of its queue. */
const chainedWithinMs = 60_000;

export async function checkAudit(ctx: Context): Promise<AuditVerification> {
  const key = await loadCheckpointKey(ctx);
  // What is appended while we read is for the next time, so the checkpoints are read before the end.
  const checkpoints = await selectCheckpoints(ctx.sql);
  const end = (await selectLastLink(ctx.sql))?.position ?? 0n;
  const anchor = await selectAnchor(ctx.sql);
  const publicKeys = new Map<string, KeyObject>([[key.id, key.publicKey]]);
  const verifier = new ChainVerifier({ clusterId: ctx.clusterId, anchor, publicKeys });
  for (const checkpoint of checkpoints) verifier.checkpoint(checkpoint);
  for await (const link of readChain(ctx, anchor?.position ?? 0n, end)) verifier.link(link);
  const result = verifier.end();
  const forgotten = await selectForgotten(ctx.sql, new Date(ctx.now().getTime() - chainedWithinMs));
  const message = (id: string) => `Row ${id} is in the log, but was never taken into the chain`;
  const unchained = forgotten.map(({ id }) => ({ position: 0, kind: "unchained" as const, message: message(id) }));
  return { ...result, ok: result.ok && unchained.length === 0, problems: [...result.problems, ...unchained] };
}

export async function* readChain(
  { sql }: Pick<Context, "sql">,
  start: bigint,
  end: bigint,
): AsyncGenerator<VerifiedLink> {
  for (let after = start; after < end; ) {
    const rows = await selectChain(sql, after, batch);
    if (rows.length === 0) return;
    for (const row of rows) if (row.position <= end) yield linkOf(row);
    after = rows.at(-1)!.position;
  }
}

function linkOf(row: ChainedRow) {
  const { position, hash, auditId } = row;
  return { position, hash, auditId, record: row.id === null ? undefined : row };
}
