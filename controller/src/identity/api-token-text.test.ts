import { expect, test } from "vitest";
import { apiTokenPattern, endingOf, isApiToken, isMeantAsApiToken, newApiToken } from "./api-token-text.ts";

test("a new token fits the published pattern and its own checksum, and is never the same", () => {
  const made = Array.from({ length: 200 }, newApiToken);
  expect(made.filter((token) => !apiTokenPattern.test(token) || !isApiToken(token))).toEqual([]);
  expect(new Set(made).size).toBe(200);
});

test("one sign changed, left out or added anywhere is noticed without the database", () => {
  const token = newApiToken();
  for (let i = 4; i < token.length; i++) {
    const other = token[i] === "a" ? "b" : "a";
    expect(isApiToken(token.slice(0, i) + other + token.slice(i + 1))).toBe(false);
    expect(isApiToken(token.slice(0, i) + token.slice(i + 1))).toBe(false);
  }
  expect(isApiToken(`${token}a`)).toBe(false);
});

test("the checksum is the one that is documented for scanners", () => {
  // Computed with another program (Python's zlib.crc32, written in base 62).
  expect(isApiToken("oct_0123456789abcdefghijABCDEFGHIJ0123456789abc0VYw5A")).toBe(true);
});

test("a JWT is not meant as an API token", () => {
  expect(isMeantAsApiToken("eyJhbGciOiJIUzI1NiJ9.e30.x")).toBe(false);
  expect(isMeantAsApiToken("oct_")).toBe(true);
});

test("the ending is the last four of the random signs", () => {
  expect(endingOf(`oct_${"x".repeat(39)}abcdCCCCCC`)).toBe("abcd");
});
