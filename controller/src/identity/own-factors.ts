// A person's own second factors: setting up an authenticator app, new recovery codes, taking an app away. Called by
// auth/factors.
import type { Factors, RecoveryCodes, TotpSetup } from "@opsconductor/contract/api/factors";
import { OcError } from "@opsconductor/contract/errors";
import { publicUrl } from "../addresses.ts";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context, Query } from "../context.ts";
import { forgetSession } from "./authenticate.ts";
import { seedPurpose } from "./check-code.ts";
import {
  confirmTotp,
  deleteRecoveryCodes,
  deleteTotp,
  insertTotp,
  lockUnconfirmedTotp,
  selectFactorSummary,
} from "./factor-queries.ts";
import { userObject } from "./present-user.ts";
import { makeRecoveryCodes } from "./recovery-codes.ts";
import { newSeed, seedText, seedUri, stepOfCode } from "./totp.ts";
import { lockUser, type UserRow, voidSignIns } from "./user-queries.ts";

/** A seed that was shown this long ago is not confirmed any more: somebody else may have looked at the screen. */
const setupMs = 30 * 60_000;

export async function ownFactors(ctx: Context, actor: Actor): Promise<Factors> {
  const { totpSince, recoveryCodesLeft } = await selectFactorSummary(ctx.sql, actor.id!);
  return { totpSince: totpSince?.toISOString() ?? null, recoveryCodesLeft: Number(recoveryCodesLeft) };
}

export async function beginTotp(ctx: Context, actor: Actor): Promise<TotpSetup> {
  const seed = newSeed();
  const sealed = ctx.keys.seal(seedPurpose(actor.id!), seed);
  if (!(await insertTotp(ctx.sql, actor.id!, sealed, ctx.now())))
    throw new OcError("conflict", "An authenticator app is set up already: take it away first.");
  const { host } = new URL(publicUrl(ctx.config));
  return { secret: seedText(seed), uri: seedUri(seed, { username: actor.name, host }) };
}

/** Answers with recovery codes when it is the first factor. */
export async function finishTotp(ctx: Context, actor: Actor, code: string): Promise<RecoveryCodes> {
  const codes = await ctx.sql.begin(async (tx) => {
    const user = await ownRow(tx, actor);
    const pending = await lockUnconfirmedTotp(tx, user.id, new Date(ctx.now().getTime() - setupMs));
    if (!pending) throw new OcError("failed_precondition", "There is no app to confirm: begin its setup again.");
    const step = stepOfCode(
      ctx.keys.open(seedPurpose(user.id), pending.seedSealed),
      code.replaceAll(" ", ""),
      ctx.now(),
    );
    if (step === undefined) refuseCode();
    await confirmTotp(tx, user.id, step, ctx.now());
    await voidSignIns(tx, user.id);
    await writeAudit(ctx, tx, actor, { action: "user.totp_added", object: userObject(user) });
    return codesForFirstFactor(ctx, tx, user);
  });
  forgetSession(ctx, null);
  return { codes };
}

export async function codesForFirstFactor(ctx: Context, tx: Query, user: UserRow): Promise<string[]> {
  return user.factors.length === 0 ? makeRecoveryCodes(ctx, tx, user.id) : [];
}

export async function removeTotp(ctx: Context, actor: Actor): Promise<void> {
  await ctx.sql.begin(async (tx) => {
    const user = await ownRow(tx, actor);
    if (!(await deleteTotp(tx, user.id))) throw new OcError("not_found", "No authenticator app is set up.");
    await voidSignIns(tx, user.id);
    await writeAudit(ctx, tx, actor, { action: "user.totp_removed", object: userObject(user) });
    await afterRemoval(tx, user.id);
  });
  forgetSession(ctx, null);
}

/** The last factor stays where a role asks for one; without any, recovery codes recover nothing. */
export async function afterRemoval(tx: Query, userId: string): Promise<void> {
  const { factors, mfaRequired } = await ownRow(tx, { id: userId });
  if (factors.length > 0) return;
  if (mfaRequired)
    throw new OcError("failed_precondition", "One of your roles requires a second factor: add another one first.");
  await deleteRecoveryCodes(tx, userId);
}

export async function renewRecoveryCodes(ctx: Context, actor: Actor): Promise<RecoveryCodes> {
  return ctx.sql.begin(async (tx) => {
    const user = await ownRow(tx, actor);
    if (user.factors.length === 0)
      throw new OcError("failed_precondition", "Recovery codes stand in for a second factor: add one first.");
    const codes = await makeRecoveryCodes(ctx, tx, user.id);
    await writeAudit(ctx, tx, actor, { action: "user.recovery_codes_made", object: userObject(user) });
    return { codes };
  });
}

/** Locked, so that two changes of one person's factors are judged one after the other. */
export async function ownRow(tx: Query, actor: Pick<Actor, "id">): Promise<UserRow> {
  const user = actor.id ? await lockUser(tx, actor.id) : undefined;
  if (!user) throw new OcError("unauthenticated", "Sign in first.");
  return user;
}

function refuseCode(): never {
  const message = "this is not the code that the app shows now; is the clock of the device right?";
  throw new OcError("invalid_argument", `code: ${message}`, { errors: [{ path: "code", message }] });
}
