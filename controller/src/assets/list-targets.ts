// The inventory by name, without facts. Called by GET targets.
import type { Target, targetListQuery } from "@opsconductor/contract/api/targets";
import type { z } from "zod";
import type { Actor, Context } from "../context.ts";
import { decodeCursor, encodeCursor } from "../cursor.ts";
import { presentTarget } from "./present-target.ts";
import { readSelector } from "./read-selector.ts";
import { selectTargets } from "./target-queries.ts";

type Params = z.infer<typeof targetListQuery>;

export async function listTargets(
  ctx: Pick<Context, "sql">,
  actor: Actor,
  { limit, cursor, q, select }: Params,
): Promise<{ items: Target[]; nextCursor?: string }> {
  const selector = select === undefined ? undefined : readSelector(select);
  const afterName = cursor === undefined ? undefined : decodeCursor(cursor, 1)[0];
  const rows = await selectTargets(ctx.sql, actor, { q, selector, afterName, limit: limit + 1, withFacts: false });
  const items = rows.slice(0, limit).map(presentTarget);
  const last = items.at(-1);
  if (rows.length <= limit || !last) return { items };
  return { items, nextCursor: encodeCursor([last.name.toLowerCase()]) };
}
