// A local account and one at the provider are connected and separated, by the person and only while signed in: an
// address that both have proves nothing. Called by the callback and by GET and DELETE of auth/oidc/link.
import type { ExternalLink } from "@opsconductor/contract/api/oidc";
import { OcError } from "@opsconductor/contract/errors";
import { writeAudit } from "../../communication/audit.ts";
import type { Actor, Context } from "../../context.ts";
import { liveSessionUser } from "../authenticate.ts";
import { userObject } from "../present-user.ts";
import { lockUser, voidSignIns } from "../user-queries.ts";
import { nameOf } from "./oidc-account.ts";
import type { OidcPerson } from "./oidc-claims.ts";
import {
  deleteExternalAccount,
  insertExternalAccount,
  lockExternalAccount,
  selectExternalAccount,
  selectExternalAccountOf,
} from "./oidc-queries.ts";
import { OidcRefused } from "./oidc-refusal.ts";

/** `link` is what the person asked for, in which session: both must still be true. */
export async function linkAccount(
  ctx: Context,
  caller: Actor,
  person: OidcPerson,
  link: { userId: string; sessionId: string },
): Promise<void> {
  const session = await liveSessionUser(ctx, link.sessionId);
  if (session?.userId !== link.userId) throw new OidcRefused("session_ended");
  const actor: Actor = { ...caller, kind: "user", id: link.userId, name: session.username, sessionId: link.sessionId };
  const issuer = ctx.identity.oidc!.issuer;
  await ctx.sql.begin(async (tx) => {
    await lockExternalAccount(tx, issuer, person.subject);
    const user = (await lockUser(tx, link.userId))!;
    const known = await selectExternalAccount(tx, issuer, person.subject);
    if (known?.userId === user.id) return;
    const values = { issuer, subject: person.subject, userId: user.id, name: nameOf(person), now: ctx.now() };
    if (known || !(await insertExternalAccount(tx, values))) throw new OidcRefused("linked_elsewhere", { user });
    const detail = { issuer, subject: person.subject, name: values.name };
    await writeAudit(ctx, tx, actor, { action: "user.sign_on_linked", object: userObject(user), detail });
  });
  ctx.log.info({ user: session.username, issuer }, "user.sign_on_linked");
}

export async function readLink(ctx: Context, userId: string): Promise<ExternalLink | null> {
  const found = await selectExternalAccountOf(ctx.sql, userId);
  if (!found) return null;
  const { issuer, name, linkedAt, lastSignInAt } = found;
  return { issuer, name, linkedAt: linkedAt.toISOString(), lastSignInAt: lastSignInAt?.toISOString() ?? null };
}

export async function removeLink(ctx: Context, actor: Actor): Promise<void> {
  await ctx.sql.begin(async (tx) => {
    const user = (await lockUser(tx, actor.id!))!;
    const found = await selectExternalAccountOf(tx, user.id);
    if (!found) throw new OcError("not_found", "Your account is not connected with one at a provider.");
    if (user.passwordHash === null)
      throw new OcError(
        "failed_precondition",
        "You have no password here, so nothing would be left to sign in with: ask an administrator for a password link first.",
      );
    await deleteExternalAccount(tx, user.id);
    await voidSignIns(tx, user.id);
    const detail = { issuer: found.issuer, subject: found.subject, name: found.name };
    await writeAudit(ctx, tx, actor, { action: "user.sign_on_unlinked", object: userObject(user), detail });
  });
}
