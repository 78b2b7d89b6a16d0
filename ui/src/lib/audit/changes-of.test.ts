import { expect, test } from "vitest";
import { changesOf } from "./changes-of.ts";

test("only what differs is told, by its path", () => {
  const before = { name: "web", labels: { env: "test", role: "db" }, tags: ["a"], note: null };
  const after = { name: "web", labels: { env: "prod", role: "db", new: "1" }, tags: ["a", "b"], note: null };
  expect(changesOf(before, after)).toEqual([
    { path: "labels.env", before: "test", after: "prod" },
    { path: "labels.new", before: undefined, after: "1" },
    { path: "tags", before: '["a"]', after: '["a","b"]' },
  ]);
});

test("a creation tells all of it, a deletion too, nothing of nothing", () => {
  expect(changesOf(null, { a: 1, b: {} })).toEqual([
    { path: "a", before: undefined, after: "1" },
    { path: "b", before: undefined, after: "{}" },
  ]);
  expect(changesOf({ a: "" }, null)).toEqual([{ path: "a", before: "", after: undefined }]);
  expect(changesOf(null, null)).toEqual([]);
});
