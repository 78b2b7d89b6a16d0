import fc from "fast-check";
import { expect, test } from "vitest";
import { compilePattern, matchesPattern, PatternError } from "./pattern.ts";

const matches = (pattern: string, text: string) => matchesPattern(compilePattern(pattern), text);

test.each([
  ["^OPS-[0-9]+$", "OPS-12", true],
  ["^OPS-[0-9]+$", "OPS-12 ", false],
  ["b", "abc", true],
  ["^(a|bc|)$", "bc", true],
  ["^(a|bc|)$", "", true],
  ["^(?:ab){2,3}$", "ababab", true],
  ["^(?:ab){2,3}$", "abababab", false],
  ["^[^a-c\\d]*$", "xyz", true],
  ["^[^a-c\\d]*$", "x1", false],
  ["^\\w+@[\\w.-]+$", "a_b@example.test", true],
  ["\\bcat\\b", "a cat.", true],
  ["\\bcat\\b", "concat", false],
  ["^.$", "😀", true],
  ["^a?a?a?aaa$", "aaa", true],
  ["^(a*)*$", "aaaa", true],
  ["^[\\]\\-]+$", "]-", true],
  ["^[a-]+$", "a-", true],
])("%s on %j: %s", (pattern, text, expected) => {
  expect(matches(pattern, text)).toBe(expected);
});

test.each([
  ["(?=x)", 0],
  ["(a)\\1", 3],
  ["a**", 2],
  ["*a", 0],
  ["(a", 0],
  ["a)", 1],
  ["[a", 0],
  ["[b-a]", 2],
  ["a{3,2}", 1],
  ["a{5000}", 1],
  ["\\p{L}", 0],
  ["a{", 1],
  ["((a{500}){500}){500}", 0],
  ["x{3,", 1],
])("%s is refused at %i", (pattern, offset) => {
  expect(() => compilePattern(pattern)).toThrow(PatternError);
  try {
    compilePattern(pattern);
  } catch (error) {
    expect((error as PatternError).offset).toBe(offset);
  }
});

test("patterns that hang a backtracking engine are answered at once", () => {
  const started = performance.now();
  expect(matches("^(a+)+$", `${"a".repeat(4000)}!`)).toBe(false);
  expect(matches("(x*)*y", "x".repeat(4000))).toBe(false);
  expect(matches("^(((){1000}){1000}){1000}$", "x")).toBe(false);
  expect(performance.now() - started).toBeLessThan(2000);
});

/** Patterns of the common syntax, where the engine of JavaScript is the reference. */
const atom = fc.constantFrom("a", "b", ".", "[ab]", "[^a]", "\\d", "\\w", "(a|b)", "(?:ab)", "^", "$", "\\b", "\\.");
const piece = fc.tuple(atom, fc.constantFrom("", "", "*", "+", "?", "{2}", "{1,2}", "{0,}"));
const repeatable = (text: string) => !["^", "$", "\\b"].includes(text);
const sequence = fc
  .array(piece, { maxLength: 5 })
  .map((pieces) => pieces.map(([text, times]) => (repeatable(text) ? text + times : text)).join(""));
const pattern = fc.array(sequence, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("|"));
const text = fc
  .array(fc.constantFrom("a", "b", "1", ".", " ", "é", "😀"), { maxLength: 8 })
  .map((chars) => chars.join(""));

test("the answer is that of JavaScript's engine wherever both know the syntax", () => {
  fc.assert(
    fc.property(pattern, text, (source, value) => {
      expect(matches(source, value)).toBe(new RegExp(source, "u").test(value));
    }),
    { numRuns: 2000 },
  );
});
