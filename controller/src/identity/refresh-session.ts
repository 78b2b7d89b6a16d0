// Refresh: a refresh token is good once and gives the next one. One that comes again within its grace (tabs that race, an
// answer that was lost) gives that same next one, so that a session has one line of tokens and a copy shows itself. One
// that comes after its grace was stolen, and since nobody can tell the thief from the owner, the whole session ends.
// Called by POST auth/refresh.
import { randomBytes } from "node:crypto";
import type { User } from "@opsconductor/contract/api/auth";
import { OcError } from "@opsconductor/contract/errors";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context, Query } from "../context.ts";
import { signAccessToken } from "./access-tokens.ts";
import { forgetSession } from "./authenticate.ts";
import { toUser } from "./current-user.ts";
import {
  lockPresentedToken,
  type PresentedToken,
  replaceRefreshToken,
  revokeSession,
  selectSuccessorSalt,
  touchSession,
} from "./session-queries.ts";
import { absoluteMs, idleMs, refreshTokenHash, reuseGraceMs, successorOf, type Tokens } from "./sessions.ts";
import { selectUser } from "./user-queries.ts";

export interface RefreshParams {
  refreshToken: string | undefined;
  userAgent: string | null;
}

type Outcome = { stolen: string } | { sessionId: string; refreshToken: string; user: User } | undefined;

/** Throws `unauthenticated` when the session cannot go on; the caller then clears the cookie. */
export async function refreshSession(
  ctx: Context,
  caller: Actor,
  params: RefreshParams,
): Promise<Tokens & { user: User }> {
  const presented = params.refreshToken;
  if (!presented) throw new OcError("unauthenticated", "There is no session to refresh: sign in.");
  const outcome = await ctx.sql.begin((tx) => rotate(ctx, tx, caller, presented, params.userAgent));
  if (!outcome || "stolen" in outcome) {
    if (outcome) reportTheft(ctx, caller, outcome.stolen);
    throw new OcError("unauthenticated", "The session has ended: sign in again.");
  }
  const { sessionId, refreshToken, user } = outcome;
  const accessToken = await signAccessToken(ctx, { userId: user.id, sessionId });
  return { accessToken, refreshToken, sessionId, user, expiresAt: new Date(ctx.now().getTime() + absoluteMs) };
}

/** Answers instead of throwing, because the end of a stolen session must be committed. */
async function rotate(
  ctx: Context,
  tx: Query,
  caller: Actor,
  presented: string,
  userAgent: string | null,
): Promise<Outcome> {
  const now = ctx.now();
  const sha256 = refreshTokenHash(presented);
  const token = await lockPresentedToken(tx, sha256, now);
  if (!token?.live) return undefined;
  if (token.usedAt && !inGrace(token, userAgent, now)) return endStolen(ctx, tx, caller, token);
  const refreshToken = token.usedAt ? await newestToken(tx, presented) : await rotateToken(tx, presented, token, now);
  if (refreshToken === undefined) return undefined;
  await touchSession(tx, token.sessionId, now, new Date(now.getTime() + idleMs));
  const user = toUser((await selectUser(tx, token.userId))!);
  return { sessionId: token.sessionId, refreshToken, user };
}

async function rotateToken(tx: Query, presented: string, { sessionId }: PresentedToken, now: Date): Promise<string> {
  const successorSalt = randomBytes(32);
  const next = successorOf(presented, successorSalt);
  await replaceRefreshToken(tx, { sha256: refreshTokenHash(presented), successorSalt, sessionId }, next.sha256, now);
  return next.token;
}

/** Along the line to the token that nobody has used yet: another tab may have gone on more than once already. */
async function newestToken(tx: Query, presented: string): Promise<string | undefined> {
  let token = presented;
  for (;;) {
    const salt = await selectSuccessorSalt(tx, refreshTokenHash(token));
    if (salt === undefined) return undefined;
    if (salt === null) return token;
    token = successorOf(token, salt).token;
  }
}

function inGrace(token: PresentedToken, userAgent: string | null, now: Date): boolean {
  return now.getTime() - token.usedAt!.getTime() <= reuseGraceMs && token.userAgent === userAgent;
}

async function endStolen(ctx: Context, tx: Query, caller: Actor, token: PresentedToken): Promise<Outcome> {
  await revokeSession(tx, token.sessionId, "refresh_token_reused", ctx.now());
  await writeAudit(ctx, tx, caller, {
    action: "session.refresh_token_reused",
    outcome: "refused",
    object: { kind: "session", id: token.sessionId, name: token.username },
  });
  return { stolen: token.sessionId };
}

function reportTheft(ctx: Context, caller: Actor, sessionId: string): void {
  forgetSession(ctx, sessionId);
  ctx.log.warn({ sessionId, address: caller.address }, "session.refresh_token_reused");
}
