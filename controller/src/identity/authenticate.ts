// Who calls: an access token becomes an Actor with the permissions that its user has now. Called for every request
// that carries a token, and every second for open live streams.
import { OcError } from "@opsconductor/contract/errors";
import type { Permission } from "@opsconductor/contract/permissions";
import type { Actor, Context } from "../context.ts";
import { verifyAccessToken } from "./access-tokens.ts";
import { type SessionUser, selectSessionUser } from "./session-queries.ts";

/** A revoked session or a disabled user is noticed this much later at most. */
const cacheMs = 1000;

export interface Authenticated {
  actor: Actor;
  mustChangePassword: boolean;
  mustSetUpFactor: boolean;
}

/** Throws `unauthenticated` for a token that is forged, expired, or of a session that ended. */
export async function authenticate(
  ctx: Context,
  token: string,
  request: { requestId: string | null; address: string | null },
): Promise<Authenticated> {
  const { sessionId } = await verifyAccessToken(ctx, token);
  const user = await liveSessionUser(ctx, sessionId);
  if (!user) throw new OcError("unauthenticated", "The session has ended: sign in again.");
  const actor: Actor = {
    kind: "user",
    id: user.userId,
    name: user.username,
    sessionId,
    requestId: request.requestId,
    address: request.address,
    permissions: new Set(user.permissions as (Permission | "*")[]),
  };
  return { actor, mustChangePassword: user.mustChangePassword, mustSetUpFactor: user.mustSetUpFactor };
}

/** The session's user, or undefined when the session ended. At most a second old. */
export async function liveSessionUser(ctx: Context, sessionId: string): Promise<SessionUser | undefined> {
  const user = await cached(ctx, sessionId);
  return user?.live ? user : undefined;
}

function cached(ctx: Context, sessionId: string): Promise<SessionUser | undefined> {
  const { sessions } = ctx.identity;
  const now = performance.now();
  const held = sessions.get(sessionId);
  if (held && held.until > now) return held.user;
  if (sessions.size > 1000) for (const [id, entry] of sessions) if (entry.until <= now) sessions.delete(id);
  const user = selectSessionUser(ctx.sql, sessionId, ctx.now());
  sessions.set(sessionId, { user, until: now + cacheMs });
  user.catch(() => sessions.delete(sessionId)); // a failed look is not an answer to keep
  return user;
}

/** After a change of the session or its user in this process, so that here it takes effect at once. */
export function forgetSession(ctx: Context, sessionId: string | null): void {
  if (sessionId) ctx.identity.sessions.delete(sessionId);
  else ctx.identity.sessions.clear();
}
