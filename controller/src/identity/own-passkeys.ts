// A person's own passkeys: list, register, rename, take away. Called by auth/passkeys.
import type { addedPasskey, Ceremony, newPasskey, Passkey } from "@opsconductor/contract/api/passkeys";
import { OcError } from "@opsconductor/contract/errors";
import type { z } from "zod";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context } from "../context.ts";
import { forgetSession } from "./authenticate.ts";
import { afterRemoval, codesForFirstFactor, ownRow } from "./own-factors.ts";
import { askForNewPasskey, checkNewPasskey, takeCeremony } from "./passkey-ceremonies.ts";
import { deletePasskey, insertPasskey, type PasskeyRow, renamePasskey, selectPasskeys } from "./passkey-queries.ts";
import { userObject } from "./present-user.ts";
import { voidSignIns } from "./user-queries.ts";

/** More than anybody has, and few enough to be sent with every question for one. */
const mostPasskeys = 20;

export async function listPasskeys(ctx: Context, actor: Actor): Promise<Passkey[]> {
  return (await selectPasskeys(ctx.sql, actor.id!)).map(present);
}

export async function beginPasskey(ctx: Context, actor: Actor): Promise<Ceremony> {
  const user = await ownRow(ctx.sql, actor);
  if ((await selectPasskeys(ctx.sql, user.id)).length >= mostPasskeys)
    throw new OcError("failed_precondition", `There are ${mostPasskeys} passkeys: take one away first.`);
  return askForNewPasskey(ctx, user);
}

export async function addPasskey(
  ctx: Context,
  actor: Actor,
  { ceremony, name, credential }: z.infer<typeof newPasskey>,
): Promise<z.infer<typeof addedPasskey>> {
  const asked = await ctx.sql.begin((tx) => takeCeremony(ctx, tx, ceremony, "passkey-add"));
  if (asked.userId !== actor.id) throw new OcError("unauthenticated", "Another account began this: begin again.");
  const made = await checkNewPasskey(ctx, credential, asked.webauthnChallenge);
  if (!made)
    throw new OcError("invalid_argument", "This is no answer to what the authenticator was asked: begin again.");
  const row = {
    ...made,
    id: ctx.newId(),
    userId: actor.id!,
    name: name.trim(),
    createdAt: ctx.now(),
    lastUsedAt: null,
  };
  const codes = await ctx.sql.begin(async (tx) => {
    const user = await ownRow(tx, actor);
    const codes = await codesForFirstFactor(ctx, tx, user);
    if (!(await insertPasskey(tx, row))) throw new OcError("conflict", "This passkey is registered already.");
    await voidSignIns(tx, user.id);
    await writeAudit(ctx, tx, actor, { action: "user.passkey_added", object: userObject(user), after: audited(row) });
    return codes;
  });
  forgetSession(ctx, null);
  return { ...present(row), codes };
}

export async function changePasskey(ctx: Context, actor: Actor, params: { id: string; name: string }): Promise<void> {
  const name = params.name.trim();
  await ctx.sql.begin(async (tx) => {
    const user = await ownRow(tx, actor);
    const before = await renamePasskey(tx, user.id, params.id, name);
    if (before === undefined) throw unknown();
    const entry = { object: userObject(user), before: { name: before }, after: { name } };
    await writeAudit(ctx, tx, actor, { action: "user.passkey_renamed", ...entry });
  });
}

export async function removePasskey(ctx: Context, actor: Actor, id: string): Promise<void> {
  await ctx.sql.begin(async (tx) => {
    const user = await ownRow(tx, actor);
    const name = await deletePasskey(tx, user.id, id);
    if (name === undefined) throw unknown();
    await voidSignIns(tx, user.id);
    await writeAudit(ctx, tx, actor, {
      action: "user.passkey_removed",
      object: userObject(user),
      before: { id, name },
    });
    await afterRemoval(tx, user.id);
  });
  forgetSession(ctx, null);
}

function present({ id, name, backedUp, createdAt, lastUsedAt }: PasskeyRow): Passkey {
  return {
    ...{ id, name, backedUp },
    createdAt: createdAt.toISOString(),
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
  };
}

const audited = ({ id, name, backedUp }: PasskeyRow) => ({ id, name, backedUp });
const unknown = () => new OcError("not_found", "You have no such passkey.");
