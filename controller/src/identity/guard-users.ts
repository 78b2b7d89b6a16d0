// What nobody may do to users, whatever their permissions: give away or touch rights above their own, and take the last
// administrator away. Called by the verbs that change users, inside their transactions.
import { OcError } from "@opsconductor/contract/errors";
import type { Actor, Query } from "../context.ts";
import { countAdministrators, lockAdministrators, type RoleRow, selectRolesByName } from "./role-queries.ts";
import type { UserRow } from "./user-queries.ts";

/** The roles by those names; refuses unknown ones and ones that may do more than the caller. */
export async function rolesToGive(tx: Query, actor: Actor, names: readonly string[]): Promise<RoleRow[]> {
  const roles = await selectRolesByName(tx, names);
  const unknown = names.find((name) => !roles.some((role) => role.name === name));
  if (unknown !== undefined) refuseField("roles", `there is no role ${unknown}`);
  for (const role of roles) {
    const above = role.permissions.find((permission) => !holds(actor, permission));
    if (above !== undefined)
      throw new OcError(
        "permission_denied",
        `The role ${role.name} holds ${above === "*" ? "all permissions" : above}, which you do not: somebody who does must give it.`,
      );
  }
  return roles;
}

/** Whether these permissions over everything are at least what the user may do anywhere. */
export function coversUser(permissions: ReadonlySet<string>, user: Pick<UserRow, "permissions" | "grants">): boolean {
  const held = [...user.permissions, ...user.grants.flatMap((grant) => grant.permissions)];
  return permissions.has("*") || held.every((permission) => permissions.has(permission));
}

/** Nobody makes a role, or makes one into something, that may do more than they may themselves over everything. */
export function refuseAboveRole(actor: Actor, { name, permissions }: Pick<RoleRow, "name" | "permissions">): void {
  const above = permissions.find((permission) => !holds(actor, permission));
  if (above === undefined) return;
  const what = above === "*" ? "all permissions" : above;
  throw new OcError(
    "permission_denied",
    `The role ${name} holds ${what}, which you do not hold over everything: somebody who does must do this.`,
  );
}

/** A reset of an administrator's password by somebody below would be a way to become one. */
export function refuseAbove(actor: Actor, user: Pick<UserRow, "username" | "permissions" | "grants">): void {
  if (coversUser(actor.permissions, user)) return;
  throw new OcError(
    "permission_denied",
    `${user.username} may do more than you: only somebody with at least the same permissions can change the account.`,
  );
}

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

function holds(actor: Actor, permission: string): boolean {
  return actor.permissions.has("*") || (actor.permissions as ReadonlySet<string>).has(permission);
}

export function refuseField(path: string, message: string): never {
  throw new OcError("invalid_argument", `${path}: ${message}`, { errors: [{ path, message }] });
}
