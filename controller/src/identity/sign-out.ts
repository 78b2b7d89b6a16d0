// Sign-out: ends the session of the refresh cookie, so that it works when the access token has long expired.
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context } from "../context.ts";
import { forgetSession } from "./authenticate.ts";
import { lockPresentedToken, revokeSession, selectMethods } from "./session-queries.ts";
import { refreshTokenHash } from "./sessions.ts";

/** Ending what has ended already is no error. Tells with which proofs the session had begun. */
export async function signOut(ctx: Context, caller: Actor, refreshToken: string | undefined): Promise<string[]> {
  const ended = await ctx.sql.begin(async (tx) => {
    const byCookie = refreshToken ? await lockPresentedToken(tx, refreshTokenHash(refreshToken), ctx.now()) : undefined;
    const sessionId = byCookie?.sessionId ?? caller.sessionId;
    if (!sessionId || !(await revokeSession(tx, sessionId, "signed_out", ctx.now()))) return undefined;
    const actor: Actor = byCookie
      ? { ...caller, kind: "user", id: byCookie.userId, name: byCookie.username, sessionId }
      : caller;
    const object = { kind: "user", id: actor.id ?? "", name: actor.name };
    await writeAudit(ctx, tx, actor, { action: "user.signed_out", object });
    return { sessionId, user: actor.name, methods: await selectMethods(tx, sessionId) };
  });
  if (!ended) return [];
  forgetSession(ctx, ended.sessionId);
  ctx.log.info(ended, "user.signed_out");
  return ended.methods;
}
