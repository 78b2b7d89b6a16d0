// Password hashes: argon2id with the parameters of OWASP's cheat sheet (19 MiB, 2 passes, 1 lane). About 20 ms each.
import { type Algorithm, hash, verify } from "@node-rs/argon2";

// A const enum of the library, which type stripping cannot read: 2 is Argon2id.
const options = { algorithm: 2 as Algorithm, memoryCost: 19_456, timeCost: 2, parallelism: 1 };

export function hashPassword(password: string): Promise<string> {
  return hash(password.normalize("NFKC"), options);
}

let decoy: Promise<string> | undefined;

/** Takes as long for a user without a hash (or without a row) as for a wrong password, and is then always false. */
export async function verifyPassword(stored: string | null | undefined, password: string): Promise<boolean> {
  decoy ??= hashPassword("no account has this password");
  const matches = await verify(stored ?? (await decoy), password.normalize("NFKC"));
  return matches && stored != null;
}
