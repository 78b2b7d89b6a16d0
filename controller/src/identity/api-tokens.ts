// API tokens: made, listed, revoked; one's own and those of service accounts. Called by the routes of tokens.
import type { ApiToken, ApiTokenInput, apiTokenListQuery, createdApiToken } from "@opsconductor/contract/api/tokens";
import { OcError } from "@opsconductor/contract/errors";
import type { Permission } from "@opsconductor/contract/permissions";
import type { z } from "zod";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context, Query } from "../context.ts";
import { decodeCursor, encodeCursor } from "../cursor.ts";
import {
  type ApiTokenRow,
  countLiveTokens,
  insertApiToken,
  lockAccount,
  lockLiveToken,
  revokeTokenTree,
  selectApiTokens,
} from "./api-token-queries.ts";
import { apiTokenState } from "./api-token-state.ts";
import { apiTokenHash, endingOf, newApiToken } from "./api-token-text.ts";
import { forgetSession } from "./authenticate.ts";
import { findAccount, findUser } from "./find-user.ts";
import { mayAnywhere, permissionsAnywhere } from "./grants.ts";
import { refuseAbove, refuseField } from "./guard-users.ts";
import { missingPermission } from "./missing-permission.ts";
import { expiryOf } from "./token-rules.ts";
import type { UserRow } from "./user-queries.ts";

/** More is a program that makes tokens and forgets them. */
const mostTokens = 100;

/** For oneself. */
export function createOwnToken(ctx: Context, actor: Actor, input: ApiTokenInput) {
  return createToken(ctx, actor, (tx) => findAccount(tx, actor.id!), input);
}

/** Whoever can make a token of an account can do what it can do: nobody does for an account above themselves. */
export function createServiceToken(ctx: Context, actor: Actor, idOrName: string, input: ApiTokenInput) {
  const find = async (tx: Query) => {
    const owner = await findUser(tx, idOrName, "service");
    await refuseAbove(tx, actor, owner);
    return owner;
  };
  return createToken(ctx, actor, find, input);
}

async function createToken(
  ctx: Context,
  actor: Actor,
  find: (tx: Query) => Promise<UserRow>,
  { name, scopes, expiresInDays: days }: ApiTokenInput,
): Promise<z.infer<typeof createdApiToken>> {
  const token = newApiToken();
  const id = ctx.newId();
  const row = await ctx.sql.begin(async (tx) => {
    await lockAccount(tx, (await find(tx)).id);
    const owner = await find(tx);
    await refuseFull(ctx, tx, actor, owner);
    await refuseWider(tx, actor, scopes);
    refuseIdle(owner, scopes);
    const expiresAt = expiryOf(ctx, actor, { days, ofService: owner.kind === "service" });
    const made = { id, userId: owner.id, name: name.trim(), scopes: [...new Set(scopes)], expiresAt };
    const secret = { sha256: apiTokenHash(token), ending: endingOf(token) };
    const origin = { parentId: actor.token?.id ?? null, createdBy: actor.id, createdAt: ctx.now() };
    await insertApiToken(tx, { ...made, ...secret, ...origin });
    const object = { kind: "token", id, name: made.name };
    const after = { owner: owner.username, scopes: made.scopes, expiresAt: expiresAt?.toISOString() ?? null };
    await writeAudit(ctx, tx, actor, { action: "token.created", object, after });
    return findToken(ctx, tx, id);
  });
  return { ...presentToken(row, ctx.now()), token };
}

async function refuseFull(ctx: Context, tx: Query, actor: Actor, owner: UserRow): Promise<void> {
  if (!owner.active) throw new OcError("failed_precondition", `${owner.username} is not active: activate it first.`);
  if (actor.token && !(await lockLiveToken(tx, actor.token.id, ctx.now())))
    throw new OcError("unauthenticated", "The API token has ended meanwhile.");
  if ((await countLiveTokens(tx, owner.id, ctx.now())) >= BigInt(mostTokens))
    throw new OcError("failed_precondition", `${owner.username} has ${mostTokens} API tokens: revoke some first.`);
}

/** A token for everything follows its owner's roles in time, so only somebody who does so too can make one. */
async function refuseWider(tx: Query, actor: Actor, scopes: readonly string[]): Promise<void> {
  if (scopes.includes("*")) {
    if (actor.token && !actor.token.scopes.has("*"))
      throw new OcError("permission_denied", "This API token is limited, so it cannot make one that is not.");
    return;
  }
  const above = scopes.filter((scope) => !mayAnywhere(actor, scope as Permission)) as Permission[];
  if (above.length === 0) return;
  const text = `You do not hold ${above.join(", ")} yourself, so you cannot make a token with that`;
  if (actor.token && above.every((scope) => mayAnywhere(actor.token!.owner, scope)))
    throw new OcError("permission_denied", `${text}: neither does the token that you make it with.`);
  const { missing, whom } = await missingPermission(tx, above[0]!);
  throw new OcError("permission_denied", `${text}; ${whom}`, { missing });
}

/** A scope that does nothing would be found out by the program, at night: say it to who chooses it. */
function refuseIdle(owner: UserRow, scopes: readonly string[]): void {
  if (scopes.includes("*")) return;
  const held = permissionsAnywhere(owner);
  const idle = held.includes("*") ? [] : scopes.filter((scope) => !held.includes(scope));
  if (idle.length === 0) return;
  const what = `${owner.username} holds no ${idle.join(", ")}, so its token could not use that`;
  refuseField("scopes", `${what}: give it a role that does, or leave it out`);
}

/** A token sees itself and what was made with it. */
export async function listOwnTokens(ctx: Context, actor: Actor): Promise<ApiToken[]> {
  const rows = await selectApiTokens(ctx.sql, { userId: actor.id!, limit: 1000, now: ctx.now() });
  return rows.filter((row) => isWithin(actor, row)).map((row) => presentToken(row, ctx.now()));
}

export async function listTokens(
  ctx: Context,
  { owner, state, q, cursor, limit }: z.infer<typeof apiTokenListQuery>,
): Promise<{ items: ApiToken[]; nextCursor?: string }> {
  const beforeId = cursor === undefined ? undefined : tokenIdOf(decodeCursor(cursor, 1)[0]!);
  const userId = owner === undefined ? undefined : (await findAccount(ctx.sql, owner)).id;
  const live = state === undefined ? undefined : state === "active";
  const rows = await selectApiTokens(ctx.sql, { userId, q, live, beforeId, limit: limit + 1, now: ctx.now() });
  const items = rows.slice(0, limit).map((row) => presentToken(row, ctx.now()));
  const last = items.at(-1);
  return rows.length <= limit || !last ? { items } : { items, nextCursor: encodeCursor([last.id]) };
}

/** Only one's own; a token ends itself and what was made with it, and not the owner's others. */
export async function revokeOwnToken(ctx: Context, actor: Actor, id: string): Promise<void> {
  await revoke(ctx, actor, id, (row) => {
    if (row.userId !== actor.id || !isWithin(actor, row)) throw noToken();
  });
}

const isWithin = ({ token }: Actor, { id, parentId }: ApiTokenRow) =>
  token === undefined || id === token.id || parentId === token.id;

export async function revokeToken(ctx: Context, actor: Actor, id: string): Promise<void> {
  await revoke(ctx, actor, id, async (row, tx) => {
    if (row.userId !== actor.id || actor.token) await refuseAbove(tx, actor, await findAccount(tx, row.userId));
  });
}

/** Revoked already is revoked. */
async function revoke(
  ctx: Context,
  actor: Actor,
  id: string,
  check: (row: ApiTokenRow, tx: Query) => void | Promise<void>,
): Promise<void> {
  await ctx.sql.begin(async (tx) => {
    const row = await findToken(ctx, tx, id);
    await check(row, tx);
    for (const { id, name } of await revokeAll(tx, row.id, ctx.now())) {
      const entry = { action: "token.revoked", object: { kind: "token", id, name }, detail: { owner: row.username } };
      await writeAudit(ctx, tx, actor, entry);
    }
  });
  forgetSession(ctx, null);
}

/** Whoever was making a token with one of them at this moment has finished when the first round has its locks. */
async function revokeAll(tx: Query, id: string, now: Date): Promise<{ id: string; name: string }[]> {
  const revoked: { id: string; name: string }[] = [];
  for (;;) {
    const round = await revokeTokenTree(tx, id, now);
    if (round.length === 0) return revoked;
    revoked.push(...round);
  }
}

async function findToken(ctx: Context, q: Query, id: string): Promise<ApiTokenRow> {
  const [row] = await selectApiTokens(q, { id, limit: 1, now: ctx.now() });
  if (!row) throw noToken();
  return row;
}

const noToken = () => new OcError("not_found", "There is no such API token.");

function tokenIdOf(text: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text;
  throw new OcError("invalid_argument", "The cursor is not one of ours: start from the first page.");
}

function presentToken(row: ApiTokenRow, now: Date): ApiToken {
  return {
    id: row.id,
    name: row.name,
    owner: { id: row.userId, name: row.username, kind: row.kind },
    scopes: row.scopes,
    ending: row.ending,
    state: apiTokenState(row, now),
    createdAt: row.createdAt.toISOString(),
    createdBy: row.createdByName,
    madeWith: row.parentId,
    expiresAt: row.expiresAt?.toISOString() ?? null,
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
    lastUsedAddress: row.lastUsedAddress,
    revokedAt: row.revokedAt?.toISOString() ?? null,
  };
}
