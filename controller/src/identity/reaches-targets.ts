// Whether a right reaches all of these targets, before anything is made of them. Called by missing-approvers.ts.
import type { Permission } from "@opsconductor/contract/permissions";
import type { Actor, Query } from "../context.ts";
import { countReached } from "./reach-queries.ts";

/** `ids`: each once. */
export async function reachesTargets(
  q: Query,
  actor: Actor,
  permission: Permission,
  ids: readonly string[],
): Promise<boolean> {
  return (await countReached(q, actor, "target", permission, ids)) === ids.length;
}
