// The open sessions of a user, and their end. Called by GET and DELETE of auth/sessions and users/{idOrName}/sessions.
import type { UserSession } from "@opsconductor/contract/api/users";
import { OcError } from "@opsconductor/contract/errors";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context } from "../context.ts";
import { forgetSession } from "./authenticate.ts";
import { findUser } from "./find-user.ts";
import { refuseAbove } from "./guard-users.ts";
import { userObject } from "./present-user.ts";
import { revokeSession, selectLiveSessions } from "./session-queries.ts";
import type { UserRow } from "./user-queries.ts";

export async function listSessions(ctx: Context, actor: Actor, idOrName: string): Promise<UserSession[]> {
  const user = await findUser(ctx.sql, idOrName);
  const rows = await selectLiveSessions(ctx.sql, user.id, ctx.now());
  return rows.map((row) => ({
    id: row.id,
    createdAt: row.createdAt.toISOString(),
    lastUsedAt: row.lastUsedAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
    address: row.address,
    userAgent: row.userAgent,
    current: row.id === actor.sessionId,
  }));
}

/** Ended already is ended. Everybody may end their own. */
export async function endSession(ctx: Context, actor: Actor, params: { idOrName: string; id: string }): Promise<void> {
  await ctx.sql.begin(async (tx) => {
    const user = await findUser(tx, params.idOrName);
    if (user.id !== actor.id) await refuseAbove(tx, actor, user);
    const sessions = await selectLiveSessions(tx, user.id, ctx.now());
    if (!sessions.some(({ id }) => id === params.id)) throw noSession(user);
    await revokeSession(
      tx,
      params.id,
      user.id === actor.id ? "signed_out_elsewhere" : "ended_by_administrator",
      ctx.now(),
    );
    const entry = { action: "session.ended", object: userObject(user), detail: { endedSession: params.id } };
    await writeAudit(ctx, tx, actor, entry);
  });
  forgetSession(ctx, params.id);
}

const noSession = ({ username }: UserRow) => new OcError("not_found", `${username} has no such open session.`);
