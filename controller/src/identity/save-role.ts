// Roles that people make themselves: made, changed, deleted. Called by POST roles, PATCH and DELETE roles/{name}. The
// built-in ones follow the program's version and cannot be changed.
import type { rolePatch } from "@opsconductor/contract/api/grants";
import type { Role } from "@opsconductor/contract/api/users";
import { OcError } from "@opsconductor/contract/errors";
import type { z } from "zod";
import { isStorable } from "../assets/storable-text.ts";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context, Query } from "../context.ts";
import { forgetSession } from "./authenticate.ts";
import { refuseAboveRole, rolesToGive } from "./guard-users.ts";
import { auditedRole, presentRole, roleObject } from "./present-role.ts";
import {
  countRoleUses,
  deleteRoleRow,
  insertRole,
  lockRole,
  type RoleColumns,
  type RoleRow,
  reassignRole,
  selectRoles,
  updateRoleColumns,
} from "./role-queries.ts";

export async function getRole(ctx: Pick<Context, "sql">, name: string): Promise<Role> {
  const [row] = isStorable(name) ? await selectRoles(ctx.sql, name) : [];
  if (!row) throw noSuchRole(name);
  return presentRole(row);
}

export async function createRole(ctx: Context, actor: Actor, input: RoleColumns): Promise<Role> {
  const columns = sorted(input);
  await refuseAboveRole(ctx.sql, actor, columns);
  await ctx.sql.begin(async (tx) => {
    const id = ctx.newId();
    await insertRole(tx, id, columns).catch((error) => refuseTaken(error, input.name));
    const object = { kind: "role", id, name: input.name };
    await writeAudit(ctx, tx, actor, { action: "role.created", object, after: { ...columns } });
  });
  return await getRole(ctx, columns.name);
}

/** Takes effect at once, for everybody who has the role. */
export async function updateRole(
  ctx: Context,
  actor: Actor,
  { name, patch }: { name: string; patch: z.output<typeof rolePatch> },
): Promise<Role> {
  const after = await ctx.sql.begin(async (tx) => {
    const before = await ownRole(tx, name);
    const after = { ...before, ...sorted({ ...auditedRole(before), ...patch }) };
    for (const role of [before, after]) await refuseAboveRole(tx, actor, role);
    await updateRoleColumns(tx, before.id, after).catch((error) => refuseTaken(error, after.name));
    const values = { before: auditedRole(before), after: auditedRole(after) };
    await writeAudit(ctx, tx, actor, { action: "role.updated", object: roleObject(after), ...values });
    return after;
  });
  forgetSession(ctx, null);
  return await getRole(ctx, after.name);
}

/** Whoever has it gets the role `reassign` in its place; without that it must be in nobody's hands. */
export async function deleteRole(
  ctx: Context,
  actor: Actor,
  { name, reassign }: { name: string; reassign: string | undefined },
): Promise<void> {
  await ctx.sql.begin(async (tx) => {
    const role = await ownRole(tx, name);
    await refuseAboveRole(tx, actor, role);
    const uses = await countRoleUses(tx, role.id);
    if (reassign === name) throw new OcError("invalid_argument", "reassign: choose another role than the deleted one.");
    if (reassign !== undefined)
      await reassignRole(tx, role.id, (await rolesToGive(tx, actor, [reassign], "reassign"))[0]!.id);
    else if (uses > 0n)
      throw new OcError(
        "failed_precondition",
        `The role ${name} is given ${uses === 1n ? "once" : `${uses} times`}: name another with reassign, or take it back first.`,
      );
    await deleteRoleRow(tx, role.id).catch(refuseGivenNow);
    const detail = { uses: Number(uses), ...(reassign !== undefined && { reassignedTo: reassign }) };
    await writeAudit(ctx, tx, actor, {
      action: "role.deleted",
      object: roleObject(role),
      before: auditedRole(role),
      detail,
    });
  });
  forgetSession(ctx, null);
}

async function ownRole(tx: Query, name: string): Promise<RoleRow> {
  const role = isStorable(name) ? await lockRole(tx, name) : undefined;
  if (!role) throw noSuchRole(name);
  if (!role.builtIn) return role;
  throw new OcError(
    "failed_precondition",
    `${name} is a built-in role: make one of your own with what it should hold.`,
  );
}

const noSuchRole = (name: string) => new OcError("not_found", `There is no role ${JSON.stringify(name.slice(0, 64))}.`);

const sorted = ({ name, description, permissions }: RoleColumns): RoleColumns => ({
  ...{ name, description },
  permissions: [...new Set(permissions)].sort(),
});

function refuseTaken(error: { code?: string }, name: string): never {
  if (error.code !== "23505") throw error;
  const message = `there is already a role ${name}; choose another name`;
  throw new OcError("conflict", `name: ${message}`, { cause: error, errors: [{ path: "name", message }] });
}

function refuseGivenNow(error: { code?: string }): never {
  if (error.code !== "23503" && error.code !== "23001") throw error;
  throw new OcError("failed_precondition", "Somebody was given this role just now: look at it again.", {
    cause: error,
  });
}
