// Makes, changes and deletes groups. Called by POST groups, PATCH and DELETE groups/{idOrName}. Who moves a group changes
// what grants on the groups above it reach, so all of this needs targets:write over everything.
import type { Group, groupInput, groupPatch } from "@opsconductor/contract/api/groups";
import { OcError } from "@opsconductor/contract/errors";
import type { z } from "zod";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context, Query } from "../context.ts";
import { demandEverywhere } from "../identity/demand-permission.ts";
import { demandProofForGroups } from "../identity/step-up.ts";
import { findGroup } from "./get-group.ts";
import { countGroupUses, deleteGroupRow, insertGroup, updateGroupColumns } from "./group-queries.ts";
import { publishTargets } from "./publish-targets.ts";

interface Change {
  idOrName: string;
  /** From If-Match. Undefined: the last one wins. */
  revision: bigint | undefined;
}

export async function createGroup(ctx: Context, actor: Actor, input: z.output<typeof groupInput>): Promise<Group> {
  await demandEverywhere(ctx, actor, "targets:write");
  const id = ctx.newId();
  const group = await ctx.sql.begin(async (tx) => {
    const parentId = await parentOf(tx, actor, input.parent);
    const columns = { name: input.name, description: input.description, parentId: parentId ?? null };
    await insertGroup(tx, id, ctx.now(), columns).catch((error) => refuseUnfit(error, input.name));
    const made = await findGroup(tx, actor, id);
    await audit(ctx, tx, actor, "group.created", undefined, made);
    return made;
  });
  publishTargets(ctx, []);
  return group;
}

export async function updateGroup(
  ctx: Context,
  actor: Actor,
  { idOrName, revision, patch }: Change & { patch: z.output<typeof groupPatch> },
): Promise<Group> {
  await demandEverywhere(ctx, actor, "targets:write");
  const group = await ctx.sql.begin(async (tx) => {
    const before = await findGroup(tx, actor, idOrName);
    const { parent, ...columns } = patch;
    const parentId = await parentOf(tx, actor, parent);
    const moves = parentId !== undefined && parentId !== before.parentId;
    if (moves) await demandProofForGroups(ctx, tx, actor, [before.parentId, parentId]);
    const changed = await updateGroupColumns(tx, before.id, ctx.now(), { ...columns, parentId }, revision).catch(
      (error) => refuseUnfit(error, patch.name ?? before.name),
    );
    if (!changed) refuseStale(before);
    const after = await findGroup(tx, actor, before.id);
    await audit(ctx, tx, actor, "group.updated", before, after);
    return after;
  });
  publishTargets(ctx, []);
  return group;
}

/** Its targets stay in the inventory. */
export async function deleteGroup(ctx: Context, actor: Actor, { idOrName, revision }: Change): Promise<void> {
  await demandEverywhere(ctx, actor, "targets:write");
  await ctx.sql.begin(async (tx) => {
    const group = await findGroup(tx, actor, idOrName);
    const { below, grants } = await countGroupUses(tx, group.id);
    if (below > 0n) refuse(`${group.name} has ${below} groups below it: move or delete them first.`);
    if (grants > 0n) refuse(`${grants} grants are bound to ${group.name}: take them back first.`);
    await demandProofForGroups(ctx, tx, actor, [group.parentId]);
    if (!(await deleteGroupRow(tx, group.id, revision).catch(refuseUsed))) refuseStale(group);
    await audit(ctx, tx, actor, "group.deleted", group, undefined);
  });
  publishTargets(ctx, []);
}

/** Undefined: stays where it is. */
async function parentOf(
  tx: Query,
  actor: Actor,
  parent: string | null | undefined,
): Promise<string | null | undefined> {
  if (parent === undefined || parent === null) return parent;
  const found = await findGroup(tx, actor, parent).catch((cause: unknown) => {
    if (!(cause instanceof OcError) || cause.code !== "not_found") throw cause;
    const message = `there is no group ${parent}`;
    throw new OcError("unprocessable", `parent: ${message}`, { cause, errors: [{ path: "parent", message }] });
  });
  return found.id;
}

async function audit(
  ctx: Context,
  tx: Query,
  actor: Actor,
  action: "group.created" | "group.updated" | "group.deleted",
  before: Group | undefined,
  after: Group | undefined,
): Promise<void> {
  const { id, name } = (after ?? before)!;
  const kept = (g: Group | undefined) => g && { name: g.name, description: g.description, parentId: g.parentId };
  const values = { ...(before && { before: kept(before)! }), ...(after && { after: kept(after)! }) };
  await writeAudit(ctx, tx, actor, { action, object: { kind: "group", id, name }, ...values });
}

const refuse = (message: string): never => {
  throw new OcError("failed_precondition", message);
};

function refuseStale({ name }: Group): never {
  throw new OcError("version_mismatch", `Somebody changed ${name} since you read it: read it again, then repeat.`);
}

/** A group below it, or a grant, that came at the same moment. */
function refuseUsed(error: { code?: string }): never {
  if (error.code !== "23503" && error.code !== "23001") throw error;
  throw new OcError("failed_precondition", "Something was bound to this group just now: look at it again.", {
    cause: error,
  });
}

function refuseUnfit(error: unknown, name: string): never {
  const { code, constraint_name: constraint } = error as { code?: string; constraint_name?: string };
  if (code === "23514" && constraint === "groups_cycle") {
    const message = "a group cannot lie below itself: choose one that is not below it";
    throw new OcError("unprocessable", `parent: ${message}`, { cause: error, errors: [{ path: "parent", message }] });
  }
  if (code !== "23505" || constraint !== "groups_name") throw error;
  const message = `there is already a group called ${name}; choose another name`;
  throw new OcError("conflict", `name: ${message}`, { cause: error, errors: [{ path: "name", message }] });
}
