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
  "a quiet river of words",
  "mgkzu-t4aek-hdd7r-q5ecc",
  "password of the north tower",
  "the adm in of the north tower",
])("%s is accepted", (password) => expect(passwordProblem(password, "admin")).toBeUndefined());

test.each([
  ["the admin of the north tower", "admin", "your user name"],
  ["the Nimda of the north tower", "admin", "your user name backwards"],
  ["four @dm1ns at dusk", "admin", "your user name"],
  ["smithereens at dusk", "ann.smith", "“smith” of your user name"],
  ["four ann at dusk", "ann", "your user name"],
  ["my OpsConductor of May", "dana", "the name of this product"],
  ["an ops-conductor of May", "dana", "the name of this product"],
  ["my 0psC0nduct0r of May", "dana", "the name of this product"],
  ["rotcudnocspo of May", "dana", "the name of this product"],
  ["a host called web01", "web01", "your user name"],
])("%s of %s is refused, because it contains %s", (password, username, word) =>
  expect(passwordProblem(password, username)).toBe(`it contains ${word}, which attackers try first: leave that out`),
);

test.each([
  ["four channels at dusk", "ann"],
  ["a ballad of the north", "al"],
  ["a ballad of the north", "a"],
  ["the road of heroes", "a.b.c"],
  ["com example of dusk", "x@abc.com"],
])("%s of %s is accepted, because so short a name is inside of many words", (password, username) =>
  expect(passwordProblem(password, username)).toBeUndefined(),
);

test("length counts characters, not code units", () => {
  expect(passwordProblem("🐦🐤🐥🦆🦅🦉", "admin")).toBe("at least 12 characters");
});
