import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { fingerprintDigits, fingerprintLabel } from "./fingerprint.ts";

test("a key is shown as eight groups of five digits that never change", () => {
  const digest = createHash("sha256").update(fingerprintLabel).update(Buffer.alloc(32, 7)).digest();
  expect(fingerprintDigits(digest)).toMatch(/^(\d{5} ){7}\d{5}$/);
  expect(fingerprintDigits(new Uint8Array(32))).toBe(Array(8).fill("00000").join(" "));
});

test("one other bit of the key changes the groups", () => {
  const of = (byte: number) =>
    fingerprintDigits(createHash("sha256").update(fingerprintLabel).update(Buffer.alloc(32, byte)).digest());
  expect(of(1)).not.toBe(of(2));
});
