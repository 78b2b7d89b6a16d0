// Changes what is named of a user; who is deactivated loses every session. Called by PATCH users/{idOrName}.
import type { UserRecord, userPatch } from "@opsconductor/contract/api/users";
import { OcError } from "@opsconductor/contract/errors";
import type { z } from "zod";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context } from "../context.ts";
import { forgetSession } from "./authenticate.ts";
import { findUser } from "./find-user.ts";
import { keepAnAdministrator, refuseAbove, rolesToGive } from "./guard-users.ts";
import { deletePasswordLinks } from "./password-link-queries.ts";
import { auditedUser, presentUser, userObject } from "./present-user.ts";
import { replaceUserRoles } from "./role-queries.ts";
import { revokeOtherSessions } from "./session-queries.ts";
import { updateUserColumns } from "./user-queries.ts";

interface Params {
  idOrName: string;
  patch: z.infer<typeof userPatch>;
  /** From If-Match. Undefined: the last one wins. */
  revision: bigint | undefined;
}

export async function updateUser(
  ctx: Context,
  actor: Actor,
  { idOrName, patch, revision }: Params,
): Promise<UserRecord> {
  const changed = await ctx.sql.begin(async (tx) => {
    const before = await findUser(tx, idOrName);
    await refuseAbove(tx, actor, before);
    if (patch.active === false && before.id === actor.id)
      throw new OcError("failed_precondition", "You cannot deactivate your own account: ask another administrator.");
    const { roles, ...columns } = patch;
    await keepAnAdministrator(tx, async () => {
      if (!(await updateUserColumns(tx, before.id, columns, revision, ctx.now()))) refuseStale(before.username);
      if (!roles) return;
      const given = await rolesToGive(tx, actor, roles);
      await replaceUserRoles(
        tx,
        before.id,
        given.map((role) => role.id),
      );
    });
    if (patch.active === false) {
      await revokeOtherSessions(tx, before.id, null, "deactivated", ctx.now());
      await deletePasswordLinks(tx, before.id);
    }
    const after = await findUser(tx, before.id);
    const values = { before: auditedUser(before), after: auditedUser(after) };
    await writeAudit(ctx, tx, actor, { action: "user.updated", object: userObject(after), ...values });
    return after;
  });
  forgetSession(ctx, null);
  return presentUser(changed);
}

export function refuseStale(username: string): never {
  throw new OcError(
    "version_mismatch",
    `Somebody changed ${username} since you read it: read it again, then repeat the change.`,
  );
}
