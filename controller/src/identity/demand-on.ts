// Whether the caller may act on these objects, which were found by what the caller may see. Called by verbs that change
// something, inside their transactions.
import type { Permission } from "@opsconductor/contract/permissions";
import type { Actor, Context, Query } from "../context.ts";
import { refuseOutOfScope } from "./demand-permission.ts";
import { mayEverywhere } from "./grants.ts";
import { countOutOfReach, countReached, type ReachedKind } from "./reach-queries.ts";

interface Demand {
  permission: Permission;
  kind: ReachedKind;
  ids: readonly string[];
  /** How people call them, when there is more to say than the kind. */
  what?: string;
}

export async function demandOn(ctx: Context, query: Query, actor: Actor, demand: Demand): Promise<void> {
  const { permission, kind, ids } = demand;
  if (ids.length === 0 || mayEverywhere(actor, permission)) return;
  const unique = [...new Set(ids)];
  if ((await countReached(query, actor, kind, permission, unique)) === unique.length) return;
  const what = demand.what ?? (unique.length === 1 ? `this ${kind}` : `all of these ${kind}s`);
  throw await refuseOutOfScope(ctx, actor, permission, what);
}

interface DemandOnAssignments {
  permission: Permission;
  executionId: string;
  /** Ids of the assignments that are meant, both ends included. */
  range: { from: string; to: string };
  what: string;
}

/** Whether the permission reaches the targets of these assignments, all of them. */
export async function demandOnAssignments(
  ctx: Context,
  query: Query,
  actor: Actor,
  { permission, executionId, range, what }: DemandOnAssignments,
): Promise<void> {
  if (await reachesAssignments(query, actor, { permission, executionId, range })) return;
  throw await refuseOutOfScope(ctx, actor, permission, what);
}

export async function reachesAssignments(
  query: Query,
  actor: Actor,
  { permission, executionId, range }: Omit<DemandOnAssignments, "what">,
): Promise<boolean> {
  return (
    mayEverywhere(actor, permission) || (await countOutOfReach(query, actor, permission, executionId, range)) === 0
  );
}
