import { expect, test } from "vitest";
import { codeAt, newSeed, seedText, seedUri, stepOfCode } from "./totp.ts";

/** Appendix B of RFC 6238, whose eight digits end in our six. */
const seed = Buffer.from("12345678901234567890");
const vectors: [seconds: number, code: string][] = [
  [59, "287082"],
  [1111111109, "081804"],
  [1111111111, "050471"],
  [1234567890, "005924"],
  [2000000000, "279037"],
  [20000000000, "353130"],
];
const at = (seconds: number) => new Date(seconds * 1000);

test("codes are those of RFC 6238", () => {
  for (const [seconds, code] of vectors) {
    expect(codeAt(seed, at(seconds))).toBe(code);
    expect(stepOfCode(seed, code, at(seconds))).toBe(BigInt(Math.floor(seconds / 30)));
  }
});

test("a code is good one step before and after its own, and no further", () => {
  const code = codeAt(seed, at(90));
  const steps = [30, 60, 90, 120, 150].map((seconds) => stepOfCode(seed, code, at(seconds)));
  expect(steps).toEqual([undefined, 3n, 3n, 3n, undefined]);
});

test("what is no code of six digits is wrong and throws nothing", () => {
  for (const code of ["", "1", "1234567", "abcdef", "12 345", "١٢٣٤٥٦"])
    expect(stepOfCode(seed, code, at(59))).toBe(undefined);
});

test("an app is told the account, and gets the seed", () => {
  const uri = new URL(seedUri(seed, { username: "ann", host: "ops.example.org" }));
  expect(decodeURIComponent(uri.pathname)).toContain("ann (ops.example.org)");
  expect(uri.searchParams.get("secret")).toBe(seedText(seed));
  expect(seedText(seed)).toBe("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
  expect(newSeed()).toHaveLength(20);
});
