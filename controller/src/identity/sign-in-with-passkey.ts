// Sign-in with a passkey: alone, where the authenticator recognises its owner (fingerprint, PIN), or as the second factor
// after a password. Called by POST auth/passkey/options and POST auth/passkey.
import type { Ceremony, PasskeyProof } from "@opsconductor/contract/api/passkeys";
import { OcError } from "@opsconductor/contract/errors";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context, Query } from "../context.ts";
import { deleteChallenge, lockChallenge } from "./challenge-queries.ts";
import { challengeHash } from "./challenges.ts";
import { askForPasskey, checkPasskey, type PasskeyOutcome, takeCeremony } from "./passkey-ceremonies.ts";
import type { PasskeyRow } from "./passkey-queries.ts";
import { countSignIn } from "./sign-in-metrics.ts";
import { type SignedIn, type StartSessionParams, startSession } from "./start-session.ts";
import { selectUser } from "./user-queries.ts";

/** Signatures cannot be guessed; wrong ones of one address are held back so that they do not fill the audit log. */
const anyPasskey = "with a passkey";

/** `challenge`: of the password that came before. */
export async function beginPasskeySignIn(ctx: Context, challenge: string | undefined): Promise<Ceremony> {
  if (challenge === undefined)
    return askForPasskey(ctx, { purpose: "passkey-sign-in", userId: null, verifiesUser: true });
  const passwordStep = challengeHash(challenge);
  const step = await ctx.sql.begin((tx) => lockChallenge(tx, passwordStep, "second-factor", ctx.now()));
  if (!step?.userId) throw tooLate();
  const { userId } = step;
  return askForPasskey(ctx, { purpose: "passkey-sign-in", userId, passwordStep, verifiesUser: false });
}

export async function signInWithPasskey(
  ctx: Context,
  caller: Actor,
  { proof, userAgent }: { proof: PasskeyProof; userAgent: string | null },
): Promise<SignedIn> {
  const { throttle } = ctx.identity;
  const address = caller.address ?? "";
  throttle.check(anyPasskey, address, true);
  const judged = await ctx.sql.begin((tx) => judge(ctx, tx, proof));
  if ("refused" in judged) return refuse(ctx, caller, judged);
  return startSession(ctx, caller, { ...judged, userAgent });
}

type Judged = Omit<StartSessionParams, "userAgent"> | Exclude<PasskeyOutcome, { passkey: PasskeyRow }>;

async function judge(ctx: Context, tx: Query, proof: PasskeyProof): Promise<Judged> {
  const asked = await takeCeremony(ctx, tx, proof.ceremony, "passkey-sign-in");
  // The password's challenge must still stand: a reset of the password meanwhile has taken it away.
  const first = asked.passwordStep && (await lockChallenge(tx, asked.passwordStep, "second-factor", ctx.now()));
  if (first === undefined) throw tooLate();
  const outcome = await checkPasskey(ctx, tx, proof, { asked, verifiesUser: first === null });
  if ("refused" in outcome) return outcome;
  const user = (await selectUser(tx, outcome.passkey.userId))!;
  if (!first) return { user, methods: ["passkey"] };
  await deleteChallenge(tx, first.sha256);
  const { firstProof, providerSid } = first;
  const credentialsEpoch = first.credentialsEpoch!;
  return { user: { ...user, credentialsEpoch }, methods: [firstProof, "passkey"], providerSid };
}

async function refuse(
  ctx: Context,
  caller: Actor,
  { refused, userId }: { refused: string; userId?: string },
): Promise<never> {
  const user = userId ? await selectUser(ctx.sql, userId) : undefined;
  await writeAudit(ctx, ctx.sql, caller, {
    action: "user.sign_in_refused",
    outcome: "refused",
    ...(user ? { object: { kind: "user", id: user.id, name: user.username } } : {}),
    detail: { why: refused },
  });
  ctx.identity.throttle.failed(anyPasskey, caller.address ?? "");
  ctx.log.warn({ why: refused, user: user?.username, address: caller.address }, "user.sign_in_refused");
  countSignIn(ctx, refused);
  throw new OcError("unauthenticated", "This passkey opens no account here: use another one, or the password.");
}

const tooLate = () => new OcError("unauthenticated", "This sign-in took too long: begin again with the password.");
