import fc from "fast-check";
import { expect, test } from "vitest";
import { editDistance, suggest } from "./suggest.ts";

const keys = ["timeout", "retry", "continueOnError", "name", "run"];

test.each([
  ["timeot", "timeout"],
  ["tiemout", "timeout"],
  ["continue_on_error", "continueOnError"],
  ["rnu", "run"],
  ["Name", "name"],
  ["cont", "continueOnError"],
])("%s most likely meant %s", (word, meant) => {
  expect(suggest(word, keys)).toBe(meant);
});

test.each(["colour", "x", ""])("nothing is guessed for %j", (word) => {
  expect(suggest(word, keys)).toBeUndefined();
});

test("the distance is symmetric, and zero only for equal words", () => {
  const word = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, b) === 0).toBe(a === b);
    }),
  );
});
