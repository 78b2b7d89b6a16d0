// Password hashes: argon2id with the parameters of OWASP's cheat sheet (19 MiB, 2 passes, 1 lane). About 20 ms each.
// bcrypt hashes of older installations verify, and sign-in replaces them.
import { type Algorithm, hash, verify } from "@node-rs/argon2";
import { verify as verifyBcrypt } from "@node-rs/bcrypt";

// A const enum of the library, which type stripping cannot read: 2 is Argon2id.
const options = { algorithm: 2 as Algorithm, memoryCost: 19_456, timeCost: 2, parallelism: 1 };

export function hashPassword(password: string): Promise<string> {
  return hash(password.normalize("NFKC"), options);
}

/** Of an older installation. A cost of more than 16 (some 5 s) would be a way to keep threads busy: no match. */
export function isImportedHash(stored: string): boolean {
  return /^\$2[aby]\$(0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}$/.test(stored);
}

let decoy: Promise<string> | undefined;

/**
 * Takes as long for a user without a hash (or without a row) as for a wrong password, and is then always false.
 * `imported` is any bcrypt hash there still is: with it every account takes the time of both kinds, so that the time does
 * not tell whose hash is which.
 */
export async function verifyPassword(
  stored: string | null | undefined,
  password: string,
  imported?: string,
): Promise<boolean> {
  decoy ??= hashPassword("no account has this password");
  const isCurrent = stored?.startsWith("$argon2") === true;
  const matches = await verify(isCurrent ? stored : await decoy, password.normalize("NFKC"));
  const old = stored && isImportedHash(stored) ? stored : undefined;
  const bcrypt = old ?? imported;
  const matchesOld = bcrypt !== undefined && (await verifyBcrypt(password, bcrypt)); // as typed: they were not normalised
  return old ? matchesOld : isCurrent && matches;
}
