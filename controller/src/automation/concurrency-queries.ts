// Executions that take their turns by a key. Called by pass-gates.ts and advance-flow.ts, under the lock of the key's row,
// which is always taken after that of the execution.
import type { Query } from "../context.ts";

export async function lockKey(q: Query, key: string): Promise<void> {
  await q`insert into automation.concurrency_keys (key) values (${key}) on conflict do nothing`;
  await q`select key from automation.concurrency_keys where key = ${key} for update`;
}

/** Somebody else with the key, who has a turn or waits for one. */
export interface Rival {
  id: string;
  number: bigint;
  held: boolean;
  /** Takes the place of older ones. */
  replaces: boolean;
  /** More urgent, or asked before this one. */
  isBefore: boolean;
}

/** Those that have a turn, wait for one before this execution, or take the place of others; the oldest first. */
export async function selectRivals(
  q: Query,
  key: string,
  { id, priority }: { id: string; priority: number },
): Promise<Rival[]> {
  return await q<Rival[]>`
    select * from (
      select id, number, concurrency_held as held,
        on_conflict = 'cancel-running' and cancel_requested_at is null as replaces,
        priority > ${priority} or (priority = ${priority} and id < ${id}) as is_before
      from automation.executions
      where concurrency_key = ${key} and finished_at is null and id <> ${id}
        and (concurrency_held or (state = 'queued' and cancel_requested_at is null))) e
    where held or is_before or replaces
    order by id`;
}

export async function holdKey(q: Query, id: string): Promise<void> {
  await q`update automation.executions set concurrency_held = true where id = ${id}`;
}

/** Those that may go on now that one with this key is over. */
export async function selectWaiting(q: Query, key: string, limit: number): Promise<string[]> {
  const rows = await q<{ id: string }[]>`
    select id from automation.executions
    where concurrency_key = ${key} and finished_at is null and not concurrency_held and state = 'queued'
    order by priority desc, id limit ${limit}`;
  return rows.map((row) => row.id);
}
