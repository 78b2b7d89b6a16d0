// For statements that match thousands of rows of history with thousands of others. PostgreSQL knows little about rows that
// were written a moment ago, guesses one, and takes nested loops: 2.4 s instead of 0.4 s on a busy machine for two executions of 1,000 targets
// and 6 steps. Called by compare-executions.ts and group-outputs.ts.
import type { Context, Query } from "../context.ts";

export async function withoutNestedLoops<T>(ctx: Pick<Context, "sql">, read: (tx: Query) => Promise<T>): Promise<T> {
  return (await ctx.sql.begin("isolation level repeatable read, read only", async (tx) => {
    await tx`set local enable_nestloop = off`;
    return await read(tx);
  })) as T;
}
