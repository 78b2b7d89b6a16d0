// Nobody widens their own rights by changing a target: what a grant reaches is said by labels, names, groups and agents,
// and whoever keeps the inventory writes those. Called by the verbs that change targets, around the change.
import { type Permission, scopablePermissions } from "@opsconductor/contract/permissions";
import { lockTargets } from "../assets/lock-targets.ts";
import type { Actor, Context, Query } from "../context.ts";
import { refuseOutOfScope } from "./demand-permission.ts";
import { grantsWith, mayEverywhere } from "./grants.ts";
import { selectReached } from "./reach-queries.ts";

interface Change {
  targetIds: readonly string[];
  /** That manages them from now on. */
  agentId?: string | null | undefined;
  /** Made by the change: in nobody's reach before it. */
  isNew?: boolean;
}

/** Refuses a change that brings targets, or the host of another agent, into reach of a permission held within a scope. */
export async function keepReach<T>(
  ctx: Context,
  tx: Query,
  actor: Actor,
  { targetIds, agentId, isNew = false }: Change,
  change: () => Promise<T>,
): Promise<T> {
  const held = permissionsWithin(actor);
  if (held.length === 0) return await change();
  await lockTargets(tx, targetIds);
  const before = new Map<Permission, { targets: string[]; agents: string[] }>();
  for (const permission of held)
    before.set(permission, {
      targets: await selectReached(tx, actor, "target", permission, targetIds),
      agents: agentId ? await selectReached(tx, actor, "agent", permission, [agentId]) : [],
    });
  const result = await change();
  for (const [permission, { targets, agents }] of before) {
    const after = await selectReached(tx, actor, "target", permission, targetIds);
    if (!isNew && after.some((id) => !targets.includes(id))) throw await refuse(ctx, actor, permission, "what");
    if (agentId && after.length > 0 && agents.length === 0) throw await refuse(ctx, actor, permission, "whom");
  }
  return result;
}

/** One of those that the same grants give: they reach the same targets. */
function permissionsWithin(actor: Actor): Permission[] {
  const byGrants = new Map<string, Permission>();
  for (const permission of scopablePermissions) {
    const grants = grantsWith(actor, permission).filter(({ scope }) => "groupId" in scope || "selector" in scope);
    if (grants.length === 0 || mayEverywhere(actor, permission)) continue;
    byGrants.set(grants.map(({ id }) => id).join(), permission);
  }
  return [...byGrants.values()];
}

function refuse(ctx: Context, actor: Actor, permission: Permission, of: "what" | "whom") {
  const what = of === "what" ? "every target that this change would bring into it" : "the host of that agent";
  return refuseOutOfScope(ctx, actor, permission, what);
}
