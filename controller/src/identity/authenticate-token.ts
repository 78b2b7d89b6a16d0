// A program calls with an API token. Called by authenticate.ts, which caches what this reads.
import { OcError } from "@opsconductor/contract/errors";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context } from "../context.ts";
import { claimRefusal, type TokenOwner } from "./api-token-queries.ts";
import { type ApiTokenState, apiTokenState } from "./api-token-state.ts";
import { type Rights, rightsOf } from "./grants.ts";
import { narrowRights } from "./narrow-rights.ts";

type Caller = Pick<Actor, "requestId" | "address">;
const hourMs = 3_600_000;

const refusals: Record<Exclude<ApiTokenState, "active">, string> = {
  expired: "The API token has expired: make a new one.",
  revoked: "The API token was revoked: make a new one.",
  suspended: "The account of this API token is not active.",
};

/** Throws `unauthenticated` for a token that is unknown or ended. */
export async function actorOfToken(ctx: Context, owner: TokenOwner | undefined, caller: Caller): Promise<Actor> {
  if (!owner) {
    count(ctx, "unknown");
    ctx.log.info({ address: caller.address }, "api_token.unknown");
    throw new OcError("unauthenticated", "There is no such API token.");
  }
  const actor = presentActor(owner, caller);
  const state = apiTokenState(owner, ctx.now());
  count(ctx, state);
  if (state === "active") return actor;
  await auditRefusal(ctx, { ...actor, permissions: new Set(), grants: [] }, owner, state);
  throw new OcError("unauthenticated", refusals[state]);
}

/** What the token may do now, or undefined when it ended: for live streams. */
export function liveRightsOf(owner: TokenOwner | undefined, now: Date): Rights | undefined {
  return owner && apiTokenState(owner, now) === "active" ? rightsOfToken(owner) : undefined;
}

const rightsOfToken = ({ permissions, grants, scopes }: TokenOwner) =>
  narrowRights(rightsOf(permissions, grants), scopes);

function presentActor(owner: TokenOwner, { requestId, address }: Caller): Actor {
  const { id, name, scopes, expiresAt } = owner;
  return {
    ...{ kind: "user", id: owner.userId, name: owner.username, sessionId: null, requestId, address },
    ...rightsOfToken(owner),
    token: { id, name, scopes: new Set(scopes), owner: rightsOf(owner.permissions, owner.grants), expiresAt },
  };
}

async function auditRefusal(ctx: Context, actor: Actor, { id, name }: TokenOwner, why: ApiTokenState): Promise<void> {
  const now = ctx.now();
  ctx.log.info({ token: id, user: actor.name, why, address: actor.address }, "api_token.refused");
  await ctx.sql.begin(async (tx) => {
    if (!(await claimRefusal(tx, id, now, new Date(now.getTime() - hourMs)))) return;
    const object = { kind: "token", id, name };
    await writeAudit(ctx, tx, actor, { action: "token.refused", outcome: "refused", object, detail: { why } });
  });
}

function count(ctx: Context, outcome: ApiTokenState | "unknown"): void {
  ctx.identity.tokenCounter?.inc({ outcome });
}
