import { expect, test } from "vitest";
import { ChordMatcher } from "./chord-matcher.ts";

const known = ["g a", "g t", "j", "?", "Ctrl+K"];

test("one key, and two keys in a row", () => {
  const keys = new ChordMatcher();
  expect(keys.press("j", 0, known)).toBe("j");
  expect(keys.press("g", 10, known)).toBeUndefined();
  expect(keys.press("a", 500, known)).toBe("g a");
});

test("a second key that comes too late counts alone", () => {
  const keys = new ChordMatcher();
  keys.press("g", 0, known);
  expect(keys.press("a", 1201, known)).toBeUndefined();
  keys.press("g", 2000, known);
  expect(keys.press("j", 4000, known)).toBe("j");
});

test("a wrong second key is not lost when it means something alone", () => {
  const keys = new ChordMatcher();
  keys.press("g", 0, known);
  expect(keys.press("j", 100, known)).toBe("j");
  expect(keys.press("a", 200, known), "and the first key is spent").toBeUndefined();
});
