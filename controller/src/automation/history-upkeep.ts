// Upkeep of history: the coming months have their partitions, and idempotency keys and tickets end with their time.
// Called at the start and daily by automation.ts.
import type { Context } from "../context.ts";
import { callEnsurePartitions, deleteOldKeys, deleteOldTickets } from "./upkeep-queries.ts";

const monthsAhead = 4;
const keyLifeMs = 24 * 60 * 60_000;

/** The month before this one too: an id may be a moment older than the row. */
export async function ensurePartitions(ctx: Pick<Context, "sql" | "now" | "log">): Promise<void> {
  const now = ctx.now();
  const from = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 1));
  const made = await callEnsurePartitions(ctx.sql, from, monthsAhead);
  if (made > 0) ctx.log.info({ made }, "history.partitions_made");
}

export async function dropOldKeys(ctx: Pick<Context, "sql" | "now">): Promise<void> {
  const now = ctx.now();
  await deleteOldKeys(ctx.sql, new Date(now.getTime() - keyLifeMs));
  await deleteOldTickets(ctx.sql, now);
}
