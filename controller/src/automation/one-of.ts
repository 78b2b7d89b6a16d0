// `id = any(…)`, and `id = …` when there is only one: PostgreSQL plans the latter over partitioned tables in a third of
// the time (0.15 ms instead of 0.39 ms for the first lock of every batch), because it finds the one partition first.
import type { Query } from "../context.ts";
import type { Fragment } from "../identity/visible-to.ts";

export function oneOf(q: Query, column: Fragment, ids: readonly string[]): Fragment {
  return ids.length === 1 ? q`${column} = ${ids[0]!}` : q`${column} = any(${ids as string[]})`;
}
