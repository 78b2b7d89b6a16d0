// How PostgreSQL is to plan what looks at every target. It guesses how many a condition over labels, facts or lists chooses,
// and is wrong by a factor of 100 either way: nested loops over 100,000 take seconds where hashing takes 50 ms, and a list
// that does not fit into its memory is searched anew for each target. Called by resolve-targets.ts.
import type { Context, Query } from "../context.ts";

/** One view of the inventory, without nested loops and with room for lists of a few 100,000 ids. */
export async function lookingAtAll<T>(ctx: Pick<Context, "sql">, read: (tx: Query) => Promise<T>): Promise<T> {
  return (await ctx.sql.begin("isolation level repeatable read, read only", async (tx) => {
    const [, result] = await Promise.all([planForAll(tx), read(tx)]); // sent together
    return result;
  })) as T;
}

/**
 * One statement of a transaction that goes on otherwise, planned so. The three travel together: nothing that another
 * part of the transaction asks meanwhile comes between them, and they cost one round trip.
 */
export async function readingAll<T>(tx: Query, statement: PromiseLike<T>): Promise<T> {
  const [, rows] = await Promise.all([planForAll(tx), statement, planAsUsual(tx)]);
  return rows;
}

/** From here on a page of a list is read: its rows one after the other by an index, each with what belongs to it. */
export async function walkingAlong(tx: Query): Promise<void> {
  await tx`select set_config('enable_nestloop', 'on', true), set_config('enable_sort', 'off', true)`;
}

const planForAll = (tx: Query) => tx`
  select set_config('enable_nestloop', 'off', true), set_config('work_mem', '64MB', true),
    set_config('plan_cache_mode', 'force_custom_plan', true)`;

/** Null: what the connection began with. */
const planAsUsual = (tx: Query) => tx`
  select set_config('enable_nestloop', null, true), set_config('work_mem', null, true),
    set_config('plan_cache_mode', null, true)`;
