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

test.each([
  ...[
    "unbelievable",
    "christopher1",
    "iloveyou1234",
    "Summer2026!!",
    "september1992",
    "Company123456",
    "P@ssw0rd!2024",
  ],
  ...["PasswordPassword", "dragonslayer", "skateboarding", "happybirthday", "q1w2e3r4t5y6u7i8", "alexander123"],
  ...["1234qwerasdfzxcv", "159357159357", "letmein12345!", "welcome-12345", "!!qwertyuiop!!", "OpsConductor#2026"],
  ...["manchesterunited", "devilmaycry4", "passwordadmin", "dana-password1"],
])("%s is on every attacker's list, or made of what is", (password) =>
  expect(passwordProblem(password, "dana")).toBeTypeOf("string"),
);

test.each([
  "four sparrows at dusk",
  "x9!vQ2#mL7$k",
  "the admin of the north tower",
  "a quiet river of words",
  "mgkzu-t4aek-hdd7r-q5ecc",
  "password of the north tower",
])("%s is accepted", (password) => expect(passwordProblem(password, "admin")).toBeUndefined());

test("length counts characters, not code units", () => {
  expect(passwordProblem("🐦🐤🐥🦆🦅🦉", "admin")).toBe("at least 12 characters");
});
