// A new user, who sets the password with the link that is returned once. Called by POST users.
import type { createdUser, userInput } from "@opsconductor/contract/api/users";
import { OcError } from "@opsconductor/contract/errors";
import type { z } from "zod";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context } from "../context.ts";
import { findUser } from "./find-user.ts";
import { rolesToGive } from "./guard-users.ts";
import { makePasswordLink } from "./password-links.ts";
import { auditedUser, presentUser, userObject } from "./present-user.ts";
import { replaceUserRoles } from "./role-queries.ts";
import { insertUser } from "./user-queries.ts";

export async function createUser(
  ctx: Context,
  actor: Actor,
  { username, displayName, email, roles }: z.output<typeof userInput>,
): Promise<z.infer<typeof createdUser>> {
  const id = ctx.newId();
  return ctx.sql.begin(async (tx) => {
    const given = await rolesToGive(tx, actor, roles);
    const values = { id, username, displayName, email, passwordHash: null, mustChangePassword: false, now: ctx.now() };
    await insertUser(tx, values).catch((error) => refuseTaken(error, "username", username));
    await replaceUserRoles(
      tx,
      id,
      given.map((role) => role.id),
    );
    const user = await findUser(tx, id);
    const link = await makePasswordLink(ctx, tx, actor, user);
    await writeAudit(ctx, tx, actor, { action: "user.created", object: userObject(user), after: auditedUser(user) });
    return { ...presentUser(user), link };
  });
}

/** People and service accounts share one space of names. */
export function refuseTaken(
  error: { code?: string; constraint_name?: string },
  path: "username" | "name",
  username: string,
): never {
  if (error.code !== "23505" || error.constraint_name !== "users_username") throw error;
  const message = `the name ${username} is taken by a user or a service account; names that differ by case alone are the same`;
  throw new OcError("conflict", `${path}: ${message}`, { errors: [{ path, message }] });
}
