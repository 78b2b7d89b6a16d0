// Locks targets for a change of what they are or where they belong. Called by the verbs that change them.
import type { Query } from "../context.ts";

/** Locks the targets, so that none is deleted or regrouped meanwhile; in the order of ids, so that two never wait for each other. */
export async function lockTargets(sql: Query, ids: readonly string[]): Promise<void> {
  await sql`select from assets.targets where id = any(${ids as string[]}::uuid[]) order by id for no key update`;
}
