// SQL that counts history without reading all of it.

import type { Actor, Query } from "../context.ts";
import { visibleTo } from "../identity/visible-to.ts";

/**
 * Exact as far as pages reach (10,000), so a limited scan. Beyond that the numbers that executions carry: they are given
 * in order, and only a start that failed after taking one leaves a gap.
 */
export async function countExecutionRows(sql: Query, actor: Actor): Promise<bigint> {
  const [row] = await sql<[{ few: bigint; span: bigint }]>`
    select (select count(*) from (select from automation.executions e
        where ${visibleTo(sql, actor, "execution")} limit 10001) e) as few,
      (select coalesce(max(number) - min(number) + 1, 0) from automation.executions) as span`;
  return row.few > 10_000n ? row.span : row.few;
}

/** For /metrics; reads only the index of unfinished executions. */
export async function countWaitingExecutions(q: Query): Promise<{ approval: bigint; turn: bigint; pause: bigint }> {
  const [row] = await q<[{ approval: bigint; turn: bigint; pause: bigint }]>`
    select count(*) filter (where state = 'awaiting_approval') as approval,
      count(*) filter (where state = 'queued' and concurrency_key is not null and not concurrency_held) as turn,
      count(*) filter (where state = 'paused') as pause
    from automation.executions where finished_at is null`;
  return row;
}

export async function selectWaitingKeys(q: Query, limit: number): Promise<{ key: string; n: bigint }[]> {
  return await q<{ key: string; n: bigint }[]>`
    select concurrency_key as key, count(*) as n from automation.executions
    where finished_at is null and concurrency_key is not null and not concurrency_held and state = 'queued'
    group by concurrency_key order by n desc, key limit ${limit}`;
}
