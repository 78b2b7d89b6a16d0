// The second step of a sign-in with a code: POST auth/login/code, and POST auth/login with `otp`.
import { OcError } from "@opsconductor/contract/errors";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context } from "../context.ts";
import { countWrongCode, deleteChallenge, lockChallenge } from "./challenge-queries.ts";
import { challengeHash, openChallenge } from "./challenges.ts";
import { type CodeOutcome, checkCode, codeRefusal } from "./check-code.ts";
import { countSignIn } from "./sign-in-metrics.ts";
import { type SignedIn, type StartSessionParams, startSession } from "./start-session.ts";
import { selectUser, type UserRow } from "./user-queries.ts";

export interface SignInWithCodeParams {
  challenge: string;
  code: string;
  userAgent: string | null;
}

/** So many wrong codes, and the password is asked for again. */
const triesPerPassword = 5;

/** Thrown after a right password: the refusal carries what the second step needs. */
export async function demandSecondFactor(
  ctx: Context,
  user: UserRow,
  { firstProof, providerSid }: { firstProof: string; providerSid: string | null },
): Promise<never> {
  const { id: userId, credentialsEpoch } = user;
  const rest = { userId, firstProof, providerSid, credentialsEpoch };
  const { token, expiresAt } = await openChallenge(ctx, ctx.sql, "second-factor", rest);
  throw new OcError("second_factor_required", "The password is right; now the second factor, within five minutes.", {
    proof: { challenge: token, methods: methodsOf(user), expiresAt: expiresAt.toISOString() },
  });
}

export function methodsOf(user: Pick<UserRow, "factors">): string[] {
  return [...user.factors, "recovery"];
}

export async function signInWithCode(ctx: Context, caller: Actor, params: SignInWithCodeParams): Promise<SignedIn> {
  const sha256 = challengeHash(params.challenge);
  const { asked, outcome } = await ctx.sql.begin(async (tx) => {
    const asked = await lockChallenge(tx, sha256, "second-factor", ctx.now());
    if (!asked?.userId || asked.wrongCodes >= triesPerPassword) throw startAgain();
    const outcome = await checkCode(ctx, tx, asked.userId, params.code);
    if ("method" in outcome) await deleteChallenge(tx, sha256);
    else if ("wrong" in outcome) await countWrongCode(tx, sha256);
    return { asked, outcome };
  });
  const user = { ...(await selectUser(ctx.sql, asked.userId!))!, credentialsEpoch: asked.credentialsEpoch! };
  const { firstProof, providerSid } = asked;
  return finish(ctx, caller, { user, outcome, userAgent: params.userAgent, firstProof, providerSid });
}

/** For programs that know the code beforehand: password and code in one request. */
export async function signInWithOtp(
  ctx: Context,
  caller: Actor,
  { user, otp, userAgent }: { user: UserRow; otp: string; userAgent: string | null },
): Promise<SignedIn> {
  const outcome = await ctx.sql.begin((tx) => checkCode(ctx, tx, user.id, otp));
  return finish(ctx, caller, { user, outcome, userAgent, firstProof: "password", providerSid: null, path: "otp" });
}

async function finish(
  ctx: Context,
  caller: Actor,
  params: Omit<StartSessionParams, "methods"> & { outcome: CodeOutcome; firstProof: string; path?: "otp" },
): Promise<SignedIn> {
  const { outcome, firstProof, path, ...session } = params;
  const { user } = session;
  if ("method" in outcome) return startSession(ctx, caller, { ...session, methods: [firstProof, outcome.method] });
  const why = "wrong" in outcome ? "wrong_code" : "codes_blocked";
  await writeAudit(ctx, ctx.sql, caller, {
    action: "user.sign_in_refused",
    outcome: "refused",
    object: { kind: "user", id: user.id, name: user.username },
    detail: { why },
  });
  // Somebody has the password and not the factor: the one refusal that is worth waking the owner for.
  ctx.log.warn({ why, user: user.username, address: caller.address }, "user.second_factor_refused");
  countSignIn(ctx, why);
  throw codeRefusal(ctx, outcome, path);
}

const startAgain = () =>
  new OcError(
    "unauthenticated",
    "This sign-in took too long or had too many wrong codes: begin again with the password.",
  );
