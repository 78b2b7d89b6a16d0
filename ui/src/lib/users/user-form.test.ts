import { expect, test } from "vitest";
import { userForm, userInputOf, userProblems } from "./user-form.ts";

test("an empty form says what is missing, a filled one is sent trimmed", () => {
  expect(userProblems(userForm(undefined))).toEqual(["usernameMissing"]);
  const form = { username: " ann ", displayName: " Ann ", email: " ", roles: ["viewer"] };
  expect(userProblems(form)).toEqual([]);
  expect(userInputOf(form)).toEqual({ username: "ann", displayName: "Ann", email: null, roles: ["viewer"] });
});

test("names with spaces and addresses without a domain are told", () => {
  const form = { username: "ann lee", displayName: "", email: "ann@", roles: ["viewer"] };
  expect(userProblems(form)).toEqual(["usernameWrong", "emailWrong"]);
});
