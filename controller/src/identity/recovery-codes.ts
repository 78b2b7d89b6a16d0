// Recovery codes: ten, 80 bits each, one use. Only a MAC under the key outside the database is kept. Called where a first
// factor is set up, by POST auth/factors/recovery-codes, and by the check of a code.
import { randomInt } from "node:crypto";
import type { Context, Query } from "../context.ts";
import { replaceRecoveryCodes } from "./factor-queries.ts";

/** Crockford's base 32: nothing that looks like something else. */
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
const count = 10;

/** Those before stop working. The caller shows them once. */
export async function makeRecoveryCodes(ctx: Pick<Context, "keys">, tx: Query, userId: string): Promise<string[]> {
  const codes = Array.from({ length: count }, newCode);
  await replaceRecoveryCodes(
    tx,
    userId,
    codes.map((code) => recoveryCodeMac(ctx, userId, code)),
  );
  return codes;
}

/** Bound to the user: a row copied to another one is worth nothing there. */
export function recoveryCodeMac(ctx: Pick<Context, "keys">, userId: string, code: string): Buffer {
  return ctx.keys.sign("identity.recovery_codes", `${userId} ${canonical(code)}`);
}

/** As people copy it: in capitals, with or without dashes and blanks, with letters for the digits they look like. */
function canonical(code: string): string {
  return code.toLowerCase().replaceAll(/[\s-]/g, "").replaceAll("o", "0").replaceAll(/[il]/g, "1");
}

function newCode(): string {
  const group = () => Array.from({ length: 4 }, () => alphabet[randomInt(alphabet.length)]).join("");
  return [group(), group(), group(), group()].join("-");
}
