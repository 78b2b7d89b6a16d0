import { expect, test } from "vitest";
import { changesOf } from "./changes-of.ts";

test("only what differs is told, by its path", () => {
  const before = { name: "web", labels: { env: "test", role: "db" }, tags: ["a"], note: null };
  const after = { name: "web", labels: { env: "prod", role: "db", new: "1" }, tags: ["a", "b"], note: null };
  expect(changesOf(before, after)).toEqual([
    { path: "labels.env", before: "test", after: "prod" },
    { path: "labels.new", before: undefined, after: "1" },
    { path: "tags", before: undefined, after: "b" },
  ]);
});

test("of lists the entries are told that went and came, all of them when there was no list before", () => {
  expect(changesOf({ roles: ["admin", "viewer"] }, { roles: ["operator", "viewer", "auditor"] })).toEqual([
    { path: "roles", before: "admin", after: "operator, auditor" },
  ]);
  expect(changesOf({ roles: ["viewer"] }, { roles: [] })).toEqual([
    { path: "roles", before: "viewer", after: undefined },
  ]);
  expect(changesOf(null, { roles: ["operator", "viewer"], none: [] })).toEqual([
    { path: "none", before: undefined, after: "[]" },
    { path: "roles", before: undefined, after: "operator, viewer" },
  ]);
});

test("a list in another order is told as a whole, and so is one of objects", () => {
  expect(changesOf({ a: ["x", "y"] }, { a: ["y", "x"] })).toEqual([{ path: "a", before: "x, y", after: "y, x" }]);
  expect(changesOf({ a: [{ b: 1 }] }, { a: [{ b: 2 }] })).toEqual([
    { path: "a", before: '[{"b":1}]', after: '[{"b":2}]' },
  ]);
  expect(changesOf({ a: ["x"] }, { a: ["x"] })).toEqual([]);
});

test("a creation tells all of it, a deletion too, nothing of nothing", () => {
  expect(changesOf(null, { a: 1, b: {} })).toEqual([
    { path: "a", before: undefined, after: "1" },
    { path: "b", before: undefined, after: "{}" },
  ]);
  expect(changesOf({ a: "" }, null)).toEqual([{ path: "a", before: "", after: undefined }]);
  expect(changesOf(null, null)).toEqual([]);
});
