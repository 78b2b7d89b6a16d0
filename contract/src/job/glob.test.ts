import { expect, test } from "vitest";
import { matchesGlob } from "./glob.ts";

test.each([
  ["web-*", "web-01", true],
  ["web-*", "WEB-01", false],
  ["web-*", "db-web-01", false],
  ["web-??", "web-01", true],
  ["web-??", "web-1", false],
  ["*", "anything", true],
  ["web.example.org", "webxexample.org", false],
  ["*-db-*", "eu-db-db-1", true],
  ["a*b", "ab", true],
  ["", "a", false],
])("%s matches %s: %s", (pattern, name, expected) => {
  expect(matchesGlob(pattern, name)).toBe(expected);
});

test("a pattern made of stars answers at once", () => {
  expect(matchesGlob(`${"*a".repeat(60)}b`, "a".repeat(128))).toBe(false);
});
