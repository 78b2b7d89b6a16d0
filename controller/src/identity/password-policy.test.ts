import { expect, test } from "vitest";
import { passwordProblem } from "./password-policy.ts";

test.each([
  "short",
  "password1234",
  "OpsConductor123",
  "aaaaaaaaaaaaaa",
  "abcabcabcabc",
  "abcdefghijklmn",
  "admin-123456",
])("%s is refused", (password) => expect(passwordProblem(password, "admin")).toBeTypeOf("string"));

test.each(["four sparrows at dusk", "x9!vQ2#mL7$k", "the admin of the north tower"])("%s is accepted", (password) =>
  expect(passwordProblem(password, "admin")).toBeUndefined(),
);

test("length counts characters, not code units", () => {
  expect(passwordProblem("🐦🐤🐥🦆🦅🦉", "admin")).toBe("at least 12 characters");
});
