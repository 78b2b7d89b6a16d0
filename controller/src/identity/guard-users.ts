// What nobody may do to users, whatever their permissions: give away or touch rights above their own, and take the last
// administrator away. Called by the verbs that change users, inside their transactions.
import { OcError } from "@opsconductor/contract/errors";
import type { Permission } from "@opsconductor/contract/permissions";
import type { Actor, Query } from "../context.ts";
import { missingPermission } from "./missing-permission.ts";
import { countAdministrators, lockAdministrators, type RoleRow, selectRolesByName } from "./role-queries.ts";
import type { UserRow } from "./user-queries.ts";

/** The roles by those names, which stood at `path`; refuses unknown ones and ones that may do more than the caller. */
export async function rolesToGive(
  tx: Query,
  actor: Actor,
  names: readonly string[],
  path = "roles",
): Promise<RoleRow[]> {
  const roles = await selectRolesByName(tx, names);
  const unknown = names.find((name) => !roles.some((role) => role.name === name));
  if (unknown !== undefined) refuseField(path, `there is no role ${unknown}`);
  for (const role of roles) await refuseAboveRole(tx, actor, role);
  return roles;
}

type Rights = Pick<UserRow, "permissions" | "grants">;

/** Whether these permissions over everything are at least what the user may do anywhere. */
export const coversUser = (permissions: ReadonlySet<string>, user: Rights) => beyond(permissions, user).length === 0;

function beyond(permissions: ReadonlySet<string>, { permissions: held, grants }: Rights): string[] {
  if (permissions.has("*")) return [];
  const all = new Set([...held, ...grants.flatMap((grant) => grant.permissions)]);
  return [...all].filter((permission) => !permissions.has(permission));
}

/** Nobody gives or makes a role, or makes one into something, that may do more than they may themselves over everything. */
export async function refuseAboveRole(
  q: Query,
  actor: Actor,
  { name, permissions }: Pick<RoleRow, "name" | "permissions">,
): Promise<void> {
  const above = beyond(actor.permissions, { permissions: [...permissions], grants: [] });
  if (above.length > 0) throw await lacking(q, above, (what) => `The role ${name} holds ${what}`);
}

/** A reset of an administrator's password by somebody below would be a way to become one. */
export async function refuseAbove(q: Query, actor: Actor, user: Rights & Pick<UserRow, "username">): Promise<void> {
  const above = beyond(actor.permissions, user);
  if (above.length > 0) throw await lacking(q, above, (what) => `${user.username} may do more than you: ${what}`);
}

async function lacking(q: Query, above: readonly string[], sentence: (what: string) => string): Promise<OcError> {
  const permission = (above.includes("*") ? "*" : above[0]!) as Permission | "*";
  const { missing, whom } = await missingPermission(q, permission);
  const what = permission === "*" ? "all permissions" : above.slice(0, maxNamed).join(", ");
  const more = permission !== "*" && above.length > maxNamed ? ` and ${above.length - maxNamed} more` : "";
  const text = `${sentence(`${what}${more}`)}, which you do not hold over everything. Somebody who does must do this: ${whom}`;
  return new OcError("permission_denied", text, { missing });
}

const maxNamed = 3;

/** Runs `change` and refuses it when nobody would be left who may do everything. */
export async function keepAnAdministrator<T>(tx: Query, change: () => Promise<T>): Promise<T> {
  await lockAdministrators(tx);
  const before = await countAdministrators(tx);
  const result = await change();
  if (before > 0n && (await countAdministrators(tx)) === 0n)
    throw new OcError(
      "failed_precondition",
      "Nobody would be left who may do everything: give another active user the role admin first.",
    );
  return result;
}

export function refuseField(path: string, message: string): never {
  throw new OcError("invalid_argument", `${path}: ${message}`, { errors: [{ path, message }] });
}
