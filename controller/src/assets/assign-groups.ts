// Puts targets into groups and takes them out. Called by PUT targets/{idOrName}/groups and POST groups/{idOrName}/targets.
// Both ends must be the caller's to change: a group says who may do what to its targets, the caller among them.
import type { Group, groupTargets } from "@opsconductor/contract/api/groups";
import type { Target } from "@opsconductor/contract/api/targets";
import { OcError } from "@opsconductor/contract/errors";
import type { z } from "zod";
import { writeAudit } from "../communication/audit.ts";
import { type Actor, type Context, type Query, systemActor } from "../context.ts";
import { demandOn } from "../identity/demand-on.ts";
import { keepReach } from "../identity/keep-reach.ts";
import { demandProofForGroups } from "../identity/step-up.ts";
import { findGroup } from "./get-group.ts";
import { findTarget } from "./get-target.ts";
import {
  deleteMembers,
  insertMembers,
  replaceGroupsOfTarget,
  selectGroupIds,
  selectTargetRefs,
  type TargetRef,
} from "./group-queries.ts";
import { lockTargets } from "./lock-targets.ts";
import { publishTargets } from "./publish-targets.ts";
import { isStorable } from "./storable-text.ts";

/** All groups that the target is in from now on. Groups that the caller cannot see stay as they are. */
export async function setTargetGroups(
  ctx: Context,
  actor: Actor,
  { idOrName, groups }: { idOrName: string; groups: readonly string[] },
): Promise<Target> {
  const target = await ctx.sql.begin(async (tx) => {
    const { id } = await findTarget(tx, actor, idOrName);
    await demandOn(ctx, tx, actor, { permission: "targets:write", kind: "target", ids: [id] });
    await lockTargets(tx, [id]);
    const before = await findTarget(tx, systemActor, id);
    const wanted = await groupsNamed(tx, actor, groups);
    const seen = new Set(
      await selectGroupIds(
        tx,
        actor,
        before.groups.map((group) => group.id),
      ),
    );
    const unseen = before.groups.filter((group) => !seen.has(group.id)).map((group) => group.id);
    const kept = before.groups.map((group) => group.id).filter((group) => wanted.includes(group));
    await demandOnGroups(
      ctx,
      tx,
      actor,
      [...wanted, ...seen].filter((group) => !kept.includes(group)),
    );
    await keepReach(ctx, tx, actor, { targetIds: [id] }, () => replaceGroupsOfTarget(tx, id, [...wanted, ...unseen]));
    await demandOn(ctx, tx, actor, {
      ...{ permission: "targets:write", kind: "target", ids: [id] },
      what: "this target without the groups that you take it out of",
    });
    const after = await findTarget(tx, systemActor, id);
    const entry = { object: { kind: "target", id, name: after.name }, before: named(before), after: named(after) };
    await writeAudit(ctx, tx, actor, { action: "target.groups_changed", ...entry });
    return await findTarget(tx, actor, id);
  });
  publishTargets(ctx, [target.id]);
  return target;
}

export async function changeGroupTargets(
  ctx: Context,
  actor: Actor,
  { idOrName, add, remove }: z.output<typeof groupTargets> & { idOrName: string },
): Promise<Group> {
  const { group, ids } = await ctx.sql.begin(async (tx) => {
    const { id, name } = await findGroup(tx, actor, idOrName);
    const [added, removed] = [
      await targetsNamed(tx, actor, "add", add),
      await targetsNamed(tx, actor, "remove", remove),
    ];
    const ids = idsOf([...added, ...removed]);
    await demandOn(ctx, tx, actor, { permission: "targets:write", kind: "target", ids });
    await demandOnGroups(ctx, tx, actor, [id]);
    await lockTargets(tx, ids);
    const { out, come } = await keepReach(ctx, tx, actor, { targetIds: ids }, async () => ({
      out: await deleteMembers(tx, id, idsOf(removed)),
      come: await insertMembers(tx, id, idsOf(added)),
    }));
    await demandOn(ctx, tx, actor, {
      ...{ permission: "targets:write", kind: "target", ids },
      what: "these targets outside of the group",
    });
    await writeAudit(ctx, tx, actor, {
      action: "group.targets_changed",
      object: { kind: "group", id, name },
      detail: { added: namesOf(added, come), removed: namesOf(removed, out) },
    });
    return { group: await findGroup(tx, actor, id), ids };
  });
  publishTargets(ctx, ids);
  return group;
}

async function demandOnGroups(ctx: Context, tx: Query, actor: Actor, ids: readonly string[]): Promise<void> {
  await demandOn(ctx, tx, actor, { permission: "targets:write", kind: "group", ids });
  await demandProofForGroups(ctx, tx, actor, ids);
}

async function groupsNamed(tx: Query, actor: Actor, names: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const name of new Set(names)) {
    const found = await findGroup(tx, actor, name).catch((cause: unknown) => {
      if (!(cause instanceof OcError) || cause.code !== "not_found") throw cause;
      throw unknownOne("groups", "group", name);
    });
    ids.push(found.id);
  }
  return ids;
}

async function targetsNamed(
  tx: Query,
  actor: Actor,
  path: "add" | "remove",
  names: readonly string[],
): Promise<TargetRef[]> {
  const found = await selectTargetRefs(tx, actor, names.filter(isStorable));
  const known = new Set(found.flatMap(({ id, name }) => [id, name.toLowerCase()]));
  const unknown = names.find((name) => !known.has(name.toLowerCase()));
  if (unknown !== undefined) throw unknownOne(path, "target", unknown);
  return found;
}

function unknownOne(path: string, kind: "group" | "target", name: string): OcError {
  const message = `there is no ${kind} ${name}`;
  return new OcError("unprocessable", `${path}: ${message}`, { errors: [{ path, message }] });
}

const named = (target: Target) => ({ groups: target.groups.map((group) => group.name) });
const idsOf = (targets: readonly TargetRef[]) => targets.map((target) => target.id);
const namesOf = (targets: readonly TargetRef[], ids: readonly string[]) =>
  targets.filter((target) => ids.includes(target.id)).map((target) => target.name);
