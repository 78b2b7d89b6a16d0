// SQL of the daily upkeep. Called by history-upkeep.ts.
import type { Query } from "../context.ts";

export async function callEnsurePartitions(q: Query, from: Date, months: number): Promise<number> {
  const [row] = await q<[{ made: number }]>`
    select automation.ensure_partitions(${from.toISOString().slice(0, 10)}::date, ${months}) as made`;
  return row.made;
}

export async function deleteOldKeys(q: Query, before: Date): Promise<void> {
  await q`delete from automation.execution_keys where created_at < ${before}`;
}

export async function deleteOldTickets(q: Query, before: Date): Promise<void> {
  await q`delete from automation.download_tickets where expires_at < ${before}`;
}
