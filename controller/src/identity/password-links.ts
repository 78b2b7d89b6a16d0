// One-time links with which a user sets a password: given to a new user, and to one who lost it. Called by POST users,
// POST users/{idOrName}/password-link and POST auth/password-link.
import { createHash, randomBytes } from "node:crypto";
import type { goodPasswordLink, PasswordLink } from "@opsconductor/contract/api/users";
import { OcError } from "@opsconductor/contract/errors";
import type { z } from "zod";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context, Query } from "../context.ts";
import { forgetSession } from "./authenticate.ts";
import { findAccount, findUser } from "./find-user.ts";
import { coversUser, refuseAbove } from "./guard-users.ts";
import { hashPassword } from "./password-hash.ts";
import { insertPasswordLink, type LinkRow, selectPasswordLink, takePasswordLink } from "./password-link-queries.ts";
import { passwordProblem } from "./password-policy.ts";
import { userObject } from "./present-user.ts";
import { revokeOtherSessions } from "./session-queries.ts";
import { lockUser, setPassword, type UserRow } from "./user-queries.ts";

const hourMs = 3_600_000;
const lifeMs = { invitation: 72 * hourMs, reset: hourMs };
const hashOf = (token: string) => createHash("sha256").update(token).digest();

/** A new link makes the ones before it worthless. */
export async function makePasswordLink(ctx: Context, tx: Query, actor: Actor, user: UserRow): Promise<PasswordLink> {
  const kind = user.passwordHash === null ? "invitation" : "reset";
  const token = randomBytes(32).toString("base64url");
  const now = ctx.now();
  const expiresAt = new Date(now.getTime() + lifeMs[kind]);
  await insertPasswordLink(tx, {
    sha256: hashOf(token),
    userId: user.id,
    kind,
    createdBy: actor.id,
    createdAt: now,
    expiresAt,
  });
  return { token, kind, expiresAt: expiresAt.toISOString() };
}

export async function issuePasswordLink(ctx: Context, actor: Actor, idOrName: string): Promise<PasswordLink> {
  return ctx.sql.begin(async (tx) => {
    const user = (await lockUser(tx, (await findUser(tx, idOrName)).id))!;
    await refuseAbove(tx, actor, user);
    if (!user.active)
      throw new OcError("failed_precondition", `${user.username} is not active: activate the account first.`);
    const link = await makePasswordLink(ctx, tx, actor, user);
    const { kind, expiresAt } = link;
    const entry = { action: "user.password_link_made", object: userObject(user), detail: { kind, expiresAt } };
    await writeAudit(ctx, tx, actor, entry);
    return link;
  });
}

/** Says before a password is thought of whether the link still works; nothing changes. */
export async function checkPasswordLink(
  ctx: Context,
  { token }: { token: string },
): Promise<z.infer<typeof goodPasswordLink>> {
  const found = await selectPasswordLink(ctx.sql, hashOf(token), ctx.now());
  const user = found && (await findAccount(ctx.sql, found.userId));
  if (!found || !user?.active || (await isOutgrown(ctx.sql, user, found))) throw worthless();
  return { kind: found.kind };
}

/** Unknown, used, replaced, expired and outgrown links look the same from outside. */
export async function usePasswordLink(
  ctx: Context,
  actor: Actor,
  { token, newPassword }: { token: string; newPassword: string },
): Promise<void> {
  const sha256 = hashOf(token);
  const found = await selectPasswordLink(ctx.sql, sha256, ctx.now());
  if (!found) throw worthless();
  const problem = passwordProblem(newPassword, found.username);
  if (problem)
    throw new OcError("invalid_argument", `newPassword: ${problem}`, {
      errors: [{ path: "newPassword", message: problem }],
    });
  const passwordHash = await hashPassword(newPassword);
  await ctx.sql.begin(async (tx) => {
    const user = await lockUser(tx, found.userId);
    if (!user?.active || !(await takePasswordLink(tx, sha256, ctx.now()))) throw worthless();
    if (await isOutgrown(tx, user, found)) throw worthless();
    await setPassword(tx, found.userId, passwordHash, ctx.now());
    await revokeOtherSessions(tx, found.userId, null, "password_changed", ctx.now());
    const object = userObject({ id: found.userId, username: found.username });
    await writeAudit(ctx, tx, actor, { action: "user.password_set_by_link", object, detail: { kind: found.kind } });
  });
  forgetSession(ctx, null);
}

/** Its maker could not make it any more: the user has got rights that theirs do not cover, or they have lost their own. */
async function isOutgrown(tx: Query, user: UserRow, { createdBy }: LinkRow): Promise<boolean> {
  if (createdBy === null) return false;
  const maker = await findAccount(tx, createdBy);
  return !maker.active || !coversUser(new Set(maker.permissions), user);
}

const worthless = () =>
  new OcError(
    "not_found",
    "This link does not work any more: it was used, replaced, or is too old. Ask for a new one.",
  );
