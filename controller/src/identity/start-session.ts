// Opens a session for somebody who has proven who they are: with a password, a second factor, a passkey. Called by every
// way to sign in.
import type { User } from "@opsconductor/contract/api/auth";
import { OcError } from "@opsconductor/contract/errors";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context } from "../context.ts";
import { personalTopic } from "../live/live.ts";
import { signAccessToken } from "./access-tokens.ts";
import { toUser } from "./current-user.ts";
import { insertRefreshToken, insertSession, isKnownOrigin } from "./session-queries.ts";
import { absoluteMs, idleMs, newRefreshToken, type Tokens } from "./sessions.ts";
import { countSignIn } from "./sign-in-metrics.ts";
import { claimSignIn, type UserRow } from "./user-queries.ts";

export interface StartSessionParams {
  /** With its credentials as they were when they were proven: what was changed since then opens nothing. */
  user: UserRow;
  userAgent: string | null;
  /** What was proven: password, totp, recovery, passkey … */
  methods: string[];
  /** The session at the OpenID provider, which may end this one. */
  providerSid?: string | null;
}

export type SignedIn = Tokens & { user: User };

export async function startSession(
  ctx: Context,
  caller: Actor,
  { user, userAgent, methods, providerSid = null }: StartSessionParams,
): Promise<SignedIn> {
  const now = ctx.now();
  const sessionId = ctx.newId();
  const refresh = newRefreshToken();
  const expiresAt = new Date(now.getTime() + absoluteMs);
  const actor: Actor = { ...caller, kind: "user", id: user.id, name: user.username, sessionId };
  const object = { kind: "user", id: user.id, name: user.username };
  const { address } = caller;
  const begun = await ctx.sql.begin(async (tx) => {
    if (!(await claimSignIn(tx, user, now))) return undefined;
    const idleUntil = new Date(now.getTime() + idleMs);
    const origin = { address, userAgent, methods, providerSid };
    const isNew = !(await isKnownOrigin(tx, { userId: user.id, address, userAgent }));
    await insertSession(tx, { id: sessionId, userId: user.id, now, idleUntil, expiresAt, ...origin });
    await insertRefreshToken(tx, refresh.sha256, sessionId, now);
    await writeAudit(ctx, tx, actor, { action: "user.signed_in", object, detail: { methods } });
    return { isNew };
  });
  if (!begun) return refuseVoid(ctx, caller, object);
  const topic = personalTopic(user.id);
  ctx.live.publish({ kind: "session", topic, sessionId, at: now.toISOString(), address, userAgent, ...begun });
  countSignIn(ctx, "ok");
  ctx.log.info({ user: user.username, sessionId, methods, address: caller.address }, "user.signed_in");
  const accessToken = await signAccessToken(ctx, { userId: user.id, sessionId });
  const signedIn = toUser({ ...user, lastSignInAt: now });
  return { accessToken, refreshToken: refresh.token, sessionId, expiresAt, user: signedIn };
}

/** Password, factors or the account itself were changed between the proof and now. */
async function refuseVoid(
  ctx: Context,
  caller: Actor,
  object: { kind: string; id: string; name: string },
): Promise<never> {
  const detail = { why: "changed_meanwhile" };
  await writeAudit(ctx, ctx.sql, caller, { action: "user.sign_in_refused", outcome: "refused", object, detail });
  countSignIn(ctx, detail.why);
  ctx.log.warn({ ...detail, user: object.name, address: caller.address }, "user.sign_in_refused");
  throw new OcError("unauthenticated", "This account was changed while you signed in: begin again.");
}
