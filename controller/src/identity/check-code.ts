// Judges a code: of an authenticator app, or a recovery code. Called by the second step of a sign-in and by step-up,
// inside a transaction that is committed whatever the outcome: wrong codes are counted.
import { OcError } from "@opsconductor/contract/errors";
import type { Context, Query } from "../context.ts";
import { lockCodeState, takeRecoveryCode, takeTotpStep, updateCodeState } from "./factor-queries.ts";
import { recoveryCodeMac } from "./recovery-codes.ts";
import { stepOfCode } from "./totp.ts";

/**
 * Only who has the password gets here, so a limit for the account, whatever the address, locks out nobody but the owner
 * of a password that somebody else knows, and passkeys go on working. From the eighth wrong code in a row there is a wait
 * that doubles, an hour at most: 24 tries a day at one in 333,333.
 */
const freeTries = 7;
const firstWaitMs = 60_000;
const longestWaitMs = 3_600_000;

export type CodeOutcome = { method: "totp" | "recovery" } | { wrong: true } | { blockedUntil: Date };

export const seedPurpose = (userId: string) => `identity.totp_factors/${userId}`;

export async function checkCode(ctx: Context, tx: Query, userId: string, code: string): Promise<CodeOutcome> {
  const now = ctx.now();
  const state = await lockCodeState(tx, userId);
  if (!state) return { wrong: true };
  if (state.codesBlockedUntil && state.codesBlockedUntil > now) return { blockedUntil: state.codesBlockedUntil };
  const method = await matching(ctx, tx, { userId, code: code.trim(), seedSealed: state.seedSealed });
  const wrongCodes = method ? 0 : state.wrongCodes + 1;
  const blockedUntil = waitAfter(wrongCodes, now);
  if (wrongCodes !== state.wrongCodes) await updateCodeState(tx, userId, { wrongCodes, blockedUntil });
  return method ? { method } : { wrong: true };
}

async function matching(
  ctx: Context,
  tx: Query,
  { userId, code, seedSealed }: { userId: string; code: string; seedSealed: Buffer | null },
): Promise<"totp" | "recovery" | undefined> {
  const digits = code.replaceAll(" ", "");
  if (!/^\d{6}$/.test(digits))
    return (await takeRecoveryCode(tx, userId, recoveryCodeMac(ctx, userId, code), ctx.now())) ? "recovery" : undefined;
  if (!seedSealed) return undefined;
  const step = stepOfCode(ctx.keys.open(seedPurpose(userId), seedSealed), digits, ctx.now());
  return step !== undefined && (await takeTotpStep(tx, userId, step)) ? "totp" : undefined;
}

function waitAfter(wrongCodes: number, now: Date): Date | null {
  if (wrongCodes <= freeTries) return null;
  const waitMs = Math.min(firstWaitMs * 2 ** (wrongCodes - freeTries - 1), longestWaitMs);
  return new Date(now.getTime() + waitMs);
}

/** The refusal that a caller is told; the same for a wrong code and one that was used already. `path`: where it was sent. */
export function codeRefusal(
  ctx: Pick<Context, "now">,
  outcome: Exclude<CodeOutcome, { method: string }>,
  path: "code" | "otp" = "code",
): OcError {
  if ("blockedUntil" in outcome) {
    const seconds = Math.ceil((outcome.blockedUntil.getTime() - ctx.now().getTime()) / 1000);
    const wait = seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
    const text = `Too many wrong codes. Try again in ${wait}, or use a passkey.`;
    return new OcError("rate_limited", text, { retryAfterSeconds: seconds });
  }
  const message = "wrong, too old, or used already: wait for the next code of your app";
  return new OcError("invalid_argument", `${path}: ${message}`, { errors: [{ path, message }] });
}
