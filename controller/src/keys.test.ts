import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { createKeys } from "./keys.ts";

const keys = createKeys(Buffer.alloc(32, 7));
const secret = Buffer.from("a private key");

test("what was sealed opens again under the same key and purpose", () => {
  const again = createKeys(Buffer.alloc(32, 7));
  expect(again.open("a/1", keys.seal("a/1", secret))).toEqual(secret);
  expect(keys.open("a/1", keys.seal("a/1", Buffer.alloc(0)))).toEqual(Buffer.alloc(0));
});

test("two seals of the same value differ and neither shows it", () => {
  const [a, b] = [keys.seal("a/1", secret), keys.seal("a/1", secret)];
  expect(a.equals(b)).toBe(false);
  expect(a.includes(secret)).toBe(false);
});

test("a sealed value does not open elsewhere, under another key, or altered in any byte", () => {
  const sealed = keys.seal("a/1", secret);
  expect(() => keys.open("a/2", sealed)).toThrow("a/2 does not open");
  expect(() => createKeys(randomBytes(32)).open("a/1", sealed)).toThrow("another key");
  for (let i = 0; i < sealed.length; i++) {
    const altered = Buffer.from(sealed);
    altered[i]! ^= 1;
    expect(() => keys.open("a/1", altered)).toThrow();
    expect(() => keys.open("a/1", sealed.subarray(0, i))).toThrow();
  }
});

test("the key check tells keys apart", () => {
  expect(createKeys(Buffer.alloc(32, 7)).check).toEqual(keys.check);
  expect(createKeys(Buffer.alloc(32, 8)).check).not.toEqual(keys.check);
});
