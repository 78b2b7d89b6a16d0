// A user changes the own password: POST auth/password. All other sessions of the user end.
import { OcError } from "@opsconductor/contract/errors";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context } from "../context.ts";
import { forgetSession } from "./authenticate.ts";
import { hashPassword, verifyPassword } from "./password-hash.ts";
import { passwordProblem } from "./password-policy.ts";
import { revokeOtherSessions } from "./session-queries.ts";
import { selectUser, type UserRow, updatePassword } from "./user-queries.ts";

export interface ChangePasswordParams {
  currentPassword: string;
  newPassword: string;
}

export async function changePassword(ctx: Context, actor: Actor, params: ChangePasswordParams): Promise<void> {
  const user = actor.id ? await selectUser(ctx.sql, actor.id) : undefined;
  if (!user?.passwordHash) throw new OcError("failed_precondition", "This account has no password to change.");
  await checkCurrent(ctx, actor, user, params.currentPassword);
  refuseWeak(params, user.username);
  const newHash = await hashPassword(params.newPassword);
  await ctx.sql.begin(async (tx) => {
    if (!(await updatePassword(tx, user.id, user.passwordHash!, newHash, ctx.now())))
      throw new OcError("conflict", "The password was changed meanwhile from another place: sign in again.");
    await revokeOtherSessions(tx, user.id, actor.sessionId, "password_changed", ctx.now());
    await writeAudit(ctx, tx, actor, { action: "user.password_changed", object: objectOf(user) });
  });
  forgetSession(ctx, null);
  ctx.log.info({ user: user.username }, "user.password_changed");
}

/** Counts as a failed sign-in: a stolen session must not be a way to guess the password. */
async function checkCurrent(ctx: Context, actor: Actor, user: UserRow, password: string): Promise<void> {
  const address = actor.address ?? "";
  const { throttle } = ctx.identity;
  const correct = await throttle.inTurn(address, async () => {
    throttle.check(user.username, address, true);
    const correct = await verifyPassword(user.passwordHash, password);
    if (!correct) throttle.failed(user.username, address);
    return correct;
  });
  if (correct) return;
  await writeAudit(ctx, ctx.sql, actor, {
    action: "user.password_change_refused",
    outcome: "refused",
    object: objectOf(user),
  });
  throw new OcError("invalid_argument", "The current password is wrong.", {
    errors: [{ path: "currentPassword", message: "this is not the current password" }],
  });
}

function refuseWeak({ currentPassword, newPassword }: ChangePasswordParams, username: string): void {
  const same = currentPassword === newPassword ? "it is the current one: choose another" : undefined;
  const message = same ?? passwordProblem(newPassword, username);
  if (!message) return;
  const errors = [{ path: "newPassword", message }];
  throw new OcError("invalid_argument", `The new password is refused: ${message}.`, { errors });
}

const objectOf = (user: UserRow) => ({ kind: "user", id: user.id, name: user.username });
