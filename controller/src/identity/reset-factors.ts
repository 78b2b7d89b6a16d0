// An administrator takes away all second factors of somebody who lost them, and says which roles need one. Called by
// DELETE users/{idOrName}/factors and PUT roles/{name}/mfa.
import { OcError } from "@opsconductor/contract/errors";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context } from "../context.ts";
import { forgetSession } from "./authenticate.ts";
import { deleteAllFactors } from "./factor-queries.ts";
import { findUser } from "./find-user.ts";
import { refuseAbove, rolesToGive } from "./guard-users.ts";
import { userObject } from "./present-user.ts";
import { updateRoleMfa } from "./role-queries.ts";
import { revokeOtherSessions } from "./session-queries.ts";
import { lockUser } from "./user-queries.ts";

/** All sessions end: one that a thief holds must not be the one that sets up the new factor. */
export async function resetFactors(ctx: Context, actor: Actor, idOrName: string): Promise<void> {
  await ctx.sql.begin(async (tx) => {
    const user = (await lockUser(tx, (await findUser(tx, idOrName)).id))!;
    await refuseAbove(tx, actor, user);
    if (user.id === actor.id)
      throw new OcError("failed_precondition", "Change your own factors in My settings, one by one.");
    // Before the factors, because a sign-in locks its challenge before its passkey.
    await revokeOtherSessions(tx, user.id, null, "factors_reset", ctx.now());
    if (!(await deleteAllFactors(tx, user.id)))
      throw new OcError("failed_precondition", `${user.username} has no second factor to reset.`);
    const before = { factors: user.factors };
    await writeAudit(ctx, tx, actor, { action: "user.factors_reset", object: userObject(user), before });
  });
  forgetSession(ctx, null);
}

/** Takes effect at once: who has the role and no factor can do nothing before setting one up. */
export async function requireMfa(
  ctx: Context,
  actor: Actor,
  { name, required }: { name: string; required: boolean },
): Promise<void> {
  await ctx.sql.begin(async (tx) => {
    const [role] = await rolesToGive(tx, actor, [name]);
    const before = await updateRoleMfa(tx, role!.id, required);
    if (before === required) return;
    const values = { before: { mfaRequired: before }, after: { mfaRequired: required } };
    const object = { kind: "role", id: role!.id, name };
    await writeAudit(ctx, tx, actor, { action: "role.mfa_changed", object, ...values });
  });
  forgetSession(ctx, null);
}
