// Sign-in by password: POST auth/login of the API and of the original's paths.
import { OcError } from "@opsconductor/contract/errors";
import { isStorable } from "../assets/storable-text.ts";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context } from "../context.ts";
import { hashPassword, isImportedHash, verifyPassword } from "./password-hash.ts";
import { passwordProblem } from "./password-policy.ts";
import { signedInFrom } from "./session-queries.ts";
import { countSignIn } from "./sign-in-metrics.ts";
import { demandSecondFactor, signInWithOtp } from "./sign-in-with-code.ts";
import { type SignedIn, startSession } from "./start-session.ts";
import { replaceHash, selectImportedHash, selectUserByName, type UserRow } from "./user-queries.ts";

export interface SignInParams {
  username: string;
  password: string;
  /** The second factor's code, for programs that send it along. */
  otp?: string | undefined;
  userAgent: string | null;
}

/** The id of no user. */
const nobody = "00000000-0000-0000-0000-000000000000";

/** `caller` is anonymous and carries the address. Throws `unauthenticated` (never saying why), `second_factor_required` or `rate_limited`. */
export async function signIn(ctx: Context, caller: Actor, params: SignInParams): Promise<SignedIn> {
  const address = caller.address ?? "";
  const found = isStorable(params.username) ? await selectUserByName(ctx.sql, params.username) : undefined;
  // Asked for unknown users too, so that they take as long.
  const known = await signedInFrom(ctx.sql, found?.id ?? nobody, address);
  const correct = await ctx.identity.throttle.inTurn(address, () => verify(ctx, params, { found, address, known }));
  if (!found || !correct) return refuse(ctx, caller, found);
  await upgradeHash(ctx, caller, found, params.password);
  const { otp, userAgent } = params;
  if (found.factors.length === 0) return startSession(ctx, caller, { user: found, userAgent, methods: ["password"] });
  if (otp !== undefined) return signInWithOtp(ctx, caller, { user: found, otp, userAgent });
  return demandSecondFactor(ctx, found, { firstProof: "password", providerSid: null });
}

async function verify(
  ctx: Context,
  { username, password }: SignInParams,
  { found, address, known }: { found: UserRow | undefined; address: string; known: boolean },
): Promise<boolean> {
  const { throttle } = ctx.identity;
  throttle.check(username, address, known);
  const imported = await selectImportedHash(ctx.sql);
  const correct = (await verifyPassword(found?.passwordHash, password, imported)) && found?.active === true;
  if (correct) throttle.succeeded(username, address);
  else throttle.failed(username, address);
  return correct;
}

/** bcrypt of an older installation becomes argon2id, and a password that our policy refuses must be changed. */
async function upgradeHash(ctx: Context, caller: Actor, user: UserRow, password: string): Promise<void> {
  if (!user.passwordHash || !isImportedHash(user.passwordHash)) return;
  const { id, username, passwordHash: from } = user;
  const to = await hashPassword(password);
  const mustChange = passwordProblem(password, username) !== undefined;
  await ctx.sql.begin(async (tx) => {
    if (!(await replaceHash(tx, id, { from, to, mustChange }))) return;
    const actor: Actor = { ...caller, kind: "user", id, name: username };
    const object = { kind: "user", id, name: username };
    await writeAudit(ctx, tx, actor, { action: "user.password_hash_upgraded", object, detail: { mustChange } });
  });
  user.mustChangePassword ||= mustChange;
}

async function refuse(ctx: Context, caller: Actor, found: UserRow | undefined): Promise<never> {
  const why = !found ? "unknown_user" : found.active ? "wrong_password" : "disabled";
  await writeAudit(ctx, ctx.sql, caller, {
    action: "user.sign_in_refused",
    outcome: "refused",
    // What was typed as a name is often a password typed into the wrong field: only names that exist are kept.
    ...(found ? { object: { kind: "user", id: found.id, name: found.username } } : {}),
    detail: { why },
  });
  countSignIn(ctx, why);
  ctx.log.warn({ why, user: found?.username, address: caller.address }, "user.sign_in_refused");
  throw new OcError("unauthenticated", "The user name or the password is wrong.");
}
