// Step-up (OWASP ASVS 5, 7.5.3): what a stolen session must not be enough for asks for a proof of the last minutes.
// `demandProof` is called by http/auth.ts for the routes that the permission table marks, and by verbs that know more than a
// route does; `stepUp` by POST auth/step-up.
import type { Ceremony } from "@opsconductor/contract/api/passkeys";
import type { StepUpRequest } from "@opsconductor/contract/api/step-up";
import { OcError } from "@opsconductor/contract/errors";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context, Query } from "../context.ts";
import { forgetSession } from "./authenticate.ts";
import { checkCode, codeRefusal } from "./check-code.ts";
import { askForPasskey, checkPasskey, takeCeremony } from "./passkey-ceremonies.ts";
import { verifyPassword } from "./password-hash.ts";
import { userObject } from "./present-user.ts";
import { proofIsOld } from "./proof-age.ts";
import { anyGroupGranted } from "./reach-queries.ts";
import { selectAuthenticatedAt, updateAuthenticatedAt } from "./session-queries.ts";
import { selectUser, type UserRow } from "./user-queries.ts";

/** Callers without a session are bound by the scopes of their tokens. */
export async function demandProof(ctx: Context, actor: Actor, what = "This"): Promise<void> {
  if (!actor.proofIsOld) return;
  // Another controller may have heard the proof a moment ago.
  const at = await selectAuthenticatedAt(ctx.sql, actor.sessionId!);
  if (at && !proofIsOld(ctx, at)) return;
  const methods = methodsOf(await ownUser(ctx.sql, actor));
  const text =
    methods.length > 0
      ? `${what} needs a fresh proof that it is you: POST /api/v1/auth/step-up, then repeat the request.`
      : `${what} needs a fresh proof that it is you: sign out and in again.`;
  throw new OcError("reauthentication_required", text, { proof: { methods } });
}

/** A job on many targets at once is as dangerous as any act here; the route cannot know how many they are. */
export async function demandProofForTargets(ctx: Context, actor: Actor, targets: number): Promise<void> {
  if (targets > ctx.config.stepUpTargets) await demandProof(ctx, actor, `A job on ${targets} targets`);
}

/** Who changes what is in a group changes what somebody may reach, where rights are bound to it. */
export async function demandProofForGroups(
  ctx: Context,
  tx: Query,
  actor: Actor,
  groupIds: readonly (string | null | undefined)[],
): Promise<void> {
  const ids = groupIds.filter((id) => typeof id === "string");
  if (!actor.proofIsOld || ids.length === 0 || !(await anyGroupGranted(tx, ids))) return;
  await demandProof(ctx, actor, "Changing a group that is in somebody's rights");
}

/** A second factor where there is one: the password is what a thief of the session may well have, too. */
function methodsOf({ factors, passwordHash }: UserRow): string[] {
  if (factors.length > 0) return factors.includes("totp") ? [...factors, "recovery"] : factors;
  return passwordHash === null ? [] : ["password"];
}

export async function beginPasskeyStepUp(ctx: Context, actor: Actor): Promise<Ceremony> {
  const { id, factors } = await ownUser(ctx.sql, actor);
  if (!factors.includes("passkey")) throw new OcError("failed_precondition", "You have no passkey.");
  const { sessionId } = actor;
  return askForPasskey(ctx, { purpose: "passkey-step-up", userId: id, sessionId, verifiesUser: false });
}

/** The session counts as freshly proven from now on. */
export async function stepUp(ctx: Context, actor: Actor, proof: StepUpRequest): Promise<void> {
  const user = await ownUser(ctx.sql, actor);
  const refusal = await judge(ctx, actor, user, proof);
  if (refusal) {
    const entry = { action: "user.step_up_refused", outcome: "refused" as const, object: userObject(user) };
    await writeAudit(ctx, ctx.sql, actor, entry);
    ctx.log.warn({ user: user.username, address: actor.address }, "user.step_up_refused");
    throw refusal;
  }
  await ctx.sql.begin(async (tx) => {
    await updateAuthenticatedAt(tx, actor.sessionId!, ctx.now());
    const method = Object.keys(proof).join();
    await writeAudit(ctx, tx, actor, { action: "user.stepped_up", object: userObject(user), detail: { method } });
  });
  forgetSession(ctx, actor.sessionId);
}

async function judge(ctx: Context, actor: Actor, user: UserRow, proof: StepUpRequest): Promise<OcError | undefined> {
  if (proof.password !== undefined) return judgePassword(ctx, actor, user, proof.password);
  if (proof.code !== undefined) {
    const { code } = proof;
    const outcome = await ctx.sql.begin((tx) => checkCode(ctx, tx, user.id, code));
    return "method" in outcome ? undefined : codeRefusal(ctx, outcome);
  }
  return judgePasskey(ctx, actor, proof.passkey!);
}

async function judgePassword(
  ctx: Context,
  actor: Actor,
  user: UserRow,
  password: string,
): Promise<OcError | undefined> {
  if (user.factors.length > 0)
    throw new OcError(
      "failed_precondition",
      "You have a second factor: prove yourself with it, not with the password.",
    );
  const address = actor.address ?? "";
  const { throttle } = ctx.identity;
  const correct = await throttle.inTurn(address, async () => {
    throttle.check(user.username, address, true);
    const correct = await verifyPassword(user.passwordHash, password);
    if (!correct) throttle.failed(user.username, address);
    return correct;
  });
  return correct ? undefined : wrong("password", "this is not your password");
}

async function judgePasskey(
  ctx: Context,
  actor: Actor,
  proof: NonNullable<StepUpRequest["passkey"]>,
): Promise<OcError | undefined> {
  const outcome = await ctx.sql.begin(async (tx) => {
    const asked = await takeCeremony(ctx, tx, proof.ceremony, "passkey-step-up");
    if (asked.sessionId !== actor.sessionId) return { refused: "unknown_passkey" as const };
    return checkPasskey(ctx, tx, proof, { asked, verifiesUser: false });
  });
  return "passkey" in outcome ? undefined : wrong("passkey", "this passkey is not one of yours");
}

function wrong(path: string, message: string): OcError {
  return new OcError("invalid_argument", `${path}: ${message}`, { errors: [{ path, message }] });
}

async function ownUser(q: Query, actor: Actor): Promise<UserRow> {
  const user = actor.id && actor.sessionId ? await selectUser(q, actor.id) : undefined;
  if (!user) throw new OcError("unauthenticated", "Sign in first.");
  return user;
}
