// The one place that says which rows an actor may see. Every list, get and resolve query has it in its `where`, so that
// grants on parts of the inventory change this file and no query.
import type postgres from "postgres";
import type { Actor, Query } from "../context.ts";

export type Fragment = postgres.PendingQuery<postgres.Row[]>;
export type VisibleKind = "target" | "agent" | "job" | "execution";

/** A condition over the row of `kind` that the query calls by its usual alias. Until grants exist: everything. */
export function visibleTo(sql: Query, _actor: Actor, _kind: VisibleKind): Fragment {
  return sql`true`;
}
