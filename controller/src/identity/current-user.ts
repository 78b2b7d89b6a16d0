// The signed-in user as the API shows it: GET auth/me, and beside the tokens of a sign-in.
import type { User } from "@opsconductor/contract/api/auth";
import { OcError } from "@opsconductor/contract/errors";
import type { Actor, Context } from "../context.ts";
import { permissionsAnywhere } from "./grants.ts";
import { selectUser, type UserRow } from "./user-queries.ts";

export async function currentUser(ctx: Context, actor: Actor): Promise<User> {
  const row = actor.kind === "user" && actor.id ? await selectUser(ctx.sql, actor.id) : undefined;
  if (!row) throw new OcError("unauthenticated", "Sign in first.");
  const user = toUser(row);
  return actor.token ? { ...user, permissions: [...actor.permissions], everywhere: [...actor.permissions] } : user;
}

export function toUser(row: UserRow): User {
  return {
    id: row.id,
    username: row.username,
    displayName: row.displayName,
    email: row.email,
    phone: row.phone,
    jobTitle: row.jobTitle,
    roles: row.roles,
    permissions: permissionsAnywhere(row),
    everywhere: row.permissions,
    mustChangePassword: row.mustChangePassword,
    mustSetUpFactor: row.mfaRequired && row.factors.length === 0,
    factors: row.factors,
    lastSignInAt: row.lastSignInAt?.toISOString() ?? null,
  };
}
