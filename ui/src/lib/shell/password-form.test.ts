import { expect, test } from "vitest";
import { passwordProblems, passwordStrength } from "./password-form.ts";

test.each([
  [{ current: "", next: "correct horse", repeat: "correct horse" }, ["current"]],
  [{ current: "a", next: "short", repeat: "short" }, ["short"]],
  [{ current: "same password", next: "same password", repeat: "same password" }, ["same"]],
  [{ current: "a", next: "correct horse", repeat: "correct hores" }, ["repeat"]],
  [{ current: "a", next: "correct horse", repeat: "correct horse" }, []],
])("%o has the problems %j", (form, problems) => expect(passwordProblems(form)).toEqual(problems));

test("length makes strength, repetition does not", () => {
  expect(passwordStrength("aaaaaaaaaaaaaaaaaaaaaaaa")).toBe(0);
  expect(passwordStrength("abc")).toBe(0);
  expect(passwordStrength("correct horse battery staple")).toBe(4);
});
