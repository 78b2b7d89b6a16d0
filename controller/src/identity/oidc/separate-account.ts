// An administrator looks at, and separates, the account at the provider that somebody's is connected with: somebody left
// there, or the wrong one was connected. Called by GET and DELETE of users/{idOrName}/sign-on.
import type { ExternalLink } from "@opsconductor/contract/api/oidc";
import { OcError } from "@opsconductor/contract/errors";
import { writeAudit } from "../../communication/audit.ts";
import type { Actor, Context } from "../../context.ts";
import { forgetSession } from "../authenticate.ts";
import { findUser } from "../find-user.ts";
import { refuseAbove } from "../guard-users.ts";
import { userObject } from "../present-user.ts";
import { revokeSignOnSessions } from "../session-queries.ts";
import { lockUser } from "../user-queries.ts";
import { readLink } from "./link-account.ts";
import { deleteExternalAccount, selectExternalAccountOf } from "./oidc-queries.ts";

export async function readLinkOf(ctx: Context, idOrName: string): Promise<ExternalLink | null> {
  return readLink(ctx, (await findUser(ctx.sql, idOrName)).id);
}

/** Sessions that began with the provider end. Somebody without a password needs a link to set one afterwards. */
export async function separateAccount(ctx: Context, actor: Actor, idOrName: string): Promise<void> {
  await ctx.sql.begin(async (tx) => {
    const user = (await lockUser(tx, (await findUser(tx, idOrName)).id))!;
    await refuseAbove(tx, actor, user);
    if (user.id === actor.id)
      throw new OcError(
        "failed_precondition",
        "Separate your own account in My settings, where your password is asked for.",
      );
    const found = await selectExternalAccountOf(tx, user.id);
    if (!found) throw new OcError("not_found", `${user.username} is not connected with an account at a provider.`);
    await deleteExternalAccount(tx, user.id);
    const ending = { providerSid: undefined, reason: "sign_on_separated", now: ctx.now() };
    const sessions = await revokeSignOnSessions(tx, user.id, ending);
    const detail = { issuer: found.issuer, subject: found.subject, name: found.name, sessions };
    await writeAudit(ctx, tx, actor, { action: "user.sign_on_unlinked", object: userObject(user), detail });
  });
  forgetSession(ctx, null);
}
