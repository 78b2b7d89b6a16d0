// Who calls: an access token or an API token becomes an Actor with the permissions that its user has now. Called for
// every request that carries a token, and again and again for open live streams.
import { OcError } from "@opsconductor/contract/errors";
import type { Actor, Context } from "../context.ts";
import { verifyAccessToken } from "./access-tokens.ts";
import { selectTokenOwner, type TokenOwner } from "./api-token-queries.ts";
import { apiTokenHash, isApiToken, isMeantAsApiToken } from "./api-token-text.ts";
import { actorOfToken, liveRightsOf } from "./authenticate-token.ts";
import { type Rights, rightsOf } from "./grants.ts";
import { proofIsOld } from "./proof-age.ts";
import { type SessionUser, selectSessionUser } from "./session-queries.ts";

/** A revoked session or token or a disabled user is noticed this much later at most, where nothing tells it (rights-changes.ts). */
const cacheMs = 600;

type Caller = Pick<Actor, "requestId" | "address">;

export interface Authenticated {
  actor: Actor;
  mustChangePassword: boolean;
  mustSetUpFactor: boolean;
}

/** Throws `unauthenticated` for a token that is forged, expired, revoked, or of a session that ended. */
export async function authenticate(ctx: Context, token: string, request: Caller): Promise<Authenticated> {
  if (isMeantAsApiToken(token)) return authenticateProgram(ctx, token, request);
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
    ...rightsOf(user.permissions, user.grants),
    proofIsOld: proofIsOld(ctx, user.authenticatedAt),
  };
  return { actor, mustChangePassword: user.mustChangePassword, mustSetUpFactor: user.mustSetUpFactor };
}

async function authenticateProgram(ctx: Context, text: string, request: Caller): Promise<Authenticated> {
  if (!isApiToken(text)) throw new OcError("unauthenticated", "This API token is mistyped or cut off.");
  const sha256 = apiTokenHash(text);
  const owner = await tokenOwner(ctx, sha256.toString("hex"), { sha256 });
  const actor = await actorOfToken(ctx, owner, request);
  ctx.identity.tokenUses.note({ id: actor.token!.id, at: ctx.now(), address: request.address });
  // A program has no second factor to set up: the person who made its token proved theirs.
  return { actor, mustChangePassword: owner!.mustChangePassword, mustSetUpFactor: false };
}

/** The session's user, or undefined when the session ended. At most `cacheMs` old. */
export async function liveSessionUser(ctx: Context, sessionId: string): Promise<SessionUser | undefined> {
  const load = () => selectSessionUser(ctx.sql, sessionId, ctx.now());
  const user = await cached(ctx.identity.sessions, sessionId, load);
  return user?.live ? user : undefined;
}

/** What somebody calls with: a session or an API token. */
export interface Bearer {
  sessionId: string | null;
  token?: { id: string };
}

/** What whoever came with it may do now, or undefined when session, token or user ended. At most `cacheMs` old. */
export async function liveRights(ctx: Context, { sessionId, token }: Bearer): Promise<Rights | undefined> {
  if (token) return liveRightsOf(await tokenOwner(ctx, token.id, token), ctx.now());
  const user = await liveSessionUser(ctx, sessionId!);
  return user && rightsOf(user.permissions, user.grants);
}

function tokenOwner(ctx: Context, key: string, by: { id: string } | { sha256: Buffer }) {
  const load = () => selectTokenOwner(ctx.sql, by);
  return cached<TokenOwner>(ctx.identity.tokenOwners, key, load);
}

type Cache<T> = Map<string, { user: Promise<T | undefined>; until: number }>;

function cached<T>(held: Cache<T>, key: string, load: () => Promise<T | undefined>): Promise<T | undefined> {
  const now = performance.now();
  const found = held.get(key);
  if (found && found.until > now) return found.user;
  if (held.size > 1000) for (const [id, entry] of held) if (entry.until <= now) held.delete(id);
  const user = load();
  held.set(key, { user, until: now + cacheMs });
  user.catch(() => held.delete(key)); // a failed look is not an answer to keep
  return user;
}

/** After a change of the session, token or user in this process, so that here it takes effect at once. */
export function forgetSession(ctx: Context, sessionId: string | null): void {
  if (sessionId) return void ctx.identity.sessions.delete(sessionId);
  ctx.identity.sessions.clear();
  ctx.identity.tokenOwners.clear();
}
