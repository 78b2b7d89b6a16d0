import { expect, test } from "vitest";
import { compareInputs } from "./compare-inputs.ts";

test("inputs that differ come first, and one that was not given is not an empty one", () => {
  expect(compareInputs({ b: 1, a: "x", gone: "" }, { a: "x", b: 2, came: "" })).toEqual([
    { name: "b", before: "1", after: "2", differs: true },
    { name: "came", before: undefined, after: "", differs: true },
    { name: "gone", before: "", after: undefined, differs: true },
    { name: "a", before: "x", after: "x", differs: false },
  ]);
});

test("objects are the same in whatever order their keys were written, lists are not", () => {
  const differs = (before: unknown, after: unknown) => compareInputs({ a: before }, { a: after })[0]!.differs;
  expect(differs({ x: 1, y: { p: 1, q: 2 } }, { y: { q: 2, p: 1 }, x: 1 })).toBe(false);
  expect(differs([1, 2], [2, 1])).toBe(true);
});

test("a name that every object has is an input like any other", () => {
  expect(compareInputs({}, { constructor: "x" })).toEqual([
    { name: "constructor", before: undefined, after: "x", differs: true },
  ]);
});
