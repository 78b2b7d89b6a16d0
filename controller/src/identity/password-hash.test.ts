import { expect, test } from "vitest";
import { hashPassword, isImportedHash, verifyPassword } from "./password-hash.ts";

/** From the test vectors of crypt_blowfish; `$2b$`, which older installations wrote, is the same computation. */
const old = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

test("a hash matches its password in every way of writing it, and no other", async () => {
  const stored = await hashPassword("quiet rive\u0301r");
  expect(await verifyPassword(stored, "quiet riv\u00e9r")).toBe(true);
  expect(await verifyPassword(stored, "quiet river")).toBe(false);
});

test("a bcrypt hash of an older installation matches its password", async () => {
  for (const kind of ["2a", "2b", "2y"]) expect(await verifyPassword(old.replace("2b", kind), "U*U")).toBe(true);
  expect(await verifyPassword(old, "U*V")).toBe(false);
});

test("without a hash nothing matches, not even the decoy's password", async () => {
  expect(await verifyPassword(null, "no account has this password")).toBe(false);
  expect(await verifyPassword(undefined, "no account has this password", old)).toBe(false);
});

test("what is neither kind of hash never matches: a literal password, a cost that would block, a cut-off hash", async () => {
  for (const stored of ["hashed_secret", "secret", old.replace("$05$", "$31$"), old.slice(0, -1), ""]) {
    expect([stored, isImportedHash(stored)]).toEqual([stored, false]);
    expect([stored, await verifyPassword(stored, "secret")]).toEqual([stored, false]);
  }
});
