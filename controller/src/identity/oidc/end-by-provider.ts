// The provider says that somebody signed out there, or was signed out: their sessions that began with it end here, too.
// Called by POST auth/oidc/back-channel-logout.
import { OcError } from "@opsconductor/contract/errors";
import { writeAudit } from "../../communication/audit.ts";
import { type Actor, type Context, type Query, systemActor } from "../../context.ts";
import { auditRefusal } from "../audit-refusal.ts";
import { forgetSession } from "../authenticate.ts";
import { userObject } from "../present-user.ts";
import { revokeSignOnSessions } from "../session-queries.ts";
import { selectUser } from "../user-queries.ts";
import { selectExternalAccount, selectUsersOfSid, takeState } from "./oidc-queries.ts";
import { type LogoutToken, LogoutTokenRefused, logoutTokenSeconds, readLogoutToken } from "./read-logout-token.ts";

/** Answers when all of it has ended; that there was nothing to end is no error. */
export async function endByProvider(ctx: Context, caller: Actor, token: string): Promise<void> {
  const said = await understood(ctx, caller, token);
  const actor: Actor = { ...systemActor, name: "sign-on", address: caller.address, requestId: caller.requestId };
  const ended = await ctx.sql.begin(async (tx) => {
    const now = ctx.now();
    const keepUntil = new Date(now.getTime() + 2 * logoutTokenSeconds * 1000);
    if (!(await takeState(tx, said.sha256, now, keepUntil))) return undefined;
    return endOf(ctx, tx, actor, said);
  });
  if (ended === undefined) return refuse(ctx, caller, new LogoutTokenRefused("it was used before"));
  forgetSession(ctx, null);
  ctx.log.info({ ended, hasSid: said.sid !== undefined }, "sign_on.logged_out");
}

async function understood(ctx: Context, caller: Actor, token: string): Promise<LogoutToken> {
  const { oidc } = ctx.identity;
  if (!oidc) throw new OcError("failed_precondition", "No provider of sign-on is configured here.");
  try {
    return await readLogoutToken(ctx, oidc, token);
  } catch (cause) {
    if (cause instanceof LogoutTokenRefused) return refuse(ctx, caller, cause);
    throw new OcError("unavailable", "The provider's keys cannot be fetched: send it again later.", { cause });
  }
}

/** How many sessions it were. */
async function endOf(ctx: Context, tx: Query, actor: Actor, { issuer, subject, sid }: LogoutToken): Promise<number> {
  const known = subject === undefined ? undefined : await selectExternalAccount(tx, issuer, subject);
  const ids = subject === undefined ? await selectUsersOfSid(tx, sid!) : known ? [known.userId] : [];
  let ended = 0;
  for (const id of ids.sort()) {
    const reason = "ended_by_provider";
    const sessions = await revokeSignOnSessions(tx, id, { providerSid: sid, reason, now: ctx.now() });
    ended += sessions;
    const object = userObject((await selectUser(tx, id))!);
    const detail = { sessions, all: sid === undefined };
    if (sessions > 0) await writeAudit(ctx, tx, actor, { action: "user.signed_out_by_provider", object, detail });
  }
  return ended;
}

async function refuse(ctx: Context, caller: Actor, cause: LogoutTokenRefused): Promise<never> {
  ctx.log.warn({ reason: cause.message, address: caller.address }, "sign_on.logout_refused");
  await auditRefusal(ctx, caller, { action: "sign_on.logout_refused", detail: { why: cause.message } });
  const message = "is no valid logout token of the provider";
  throw new OcError("invalid_argument", `logout_token ${message}`, {
    cause,
    errors: [{ path: "logout_token", message }],
  });
}
