// Executions that take their turns by a key. Called by pass-gates.ts and advance-flow.ts, under the lock of the key's row,
// which is always taken after that of the execution.
import type { Query } from "../context.ts";

export async function lockKey(q: Query, key: string): Promise<void> {
  await q`insert into automation.concurrency_keys (key) values (${key}) on conflict do nothing`;
  await q`select key from automation.concurrency_keys where key = ${key} for update`;
}

export interface KeyHolders {
  /** Those that run with the key, the oldest first. */
  holders: { id: string; number: bigint }[];
  /** How many wait and are more urgent, or asked before this one. */
  waitingBefore: number;
}

export async function countHolders(
  q: Query,
  key: string,
  { id, priority }: { id: string; priority: number },
): Promise<KeyHolders> {
  const rows = await q<{ id: string; number: bigint; concurrencyHeld: boolean }[]>`
    select id, number, concurrency_held from automation.executions
    where concurrency_key = ${key} and finished_at is null and id <> ${id}
      and (concurrency_held or (state = 'queued' and cancel_requested_at is null
        and (priority > ${priority} or (priority = ${priority} and id < ${id}))))
    order by id`;
  const holders = rows.filter((row) => row.concurrencyHeld);
  return { holders, waitingBefore: rows.length - holders.length };
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
