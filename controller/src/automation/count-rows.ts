// How many rows an actor may see: the `total` that pages at the original's paths carry.
import type { Actor, Context } from "../context.ts";
import { countExecutionRows } from "./count-queries.ts";
import { countInventory } from "./overview-queries.ts";

type Needs = Pick<Context, "sql">;

export async function countTargets(ctx: Needs, actor: Actor): Promise<number> {
  return Number((await countInventory(ctx.sql, actor)).targets);
}

export async function countJobs(ctx: Needs, actor: Actor): Promise<number> {
  return Number((await countInventory(ctx.sql, actor)).jobs);
}

export async function countExecutions(ctx: Needs, actor: Actor): Promise<number> {
  return Number(await countExecutionRows(ctx.sql, actor));
}
