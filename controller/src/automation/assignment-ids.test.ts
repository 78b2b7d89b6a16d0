import { randomBytes } from "node:crypto";
import { v7, validate, version } from "uuid";
import { expect, test } from "vitest";
import { assignmentIdRange, assignmentIds } from "./assignment-ids.ts";

test("ids are version 7, unique, ascending and of the execution's millisecond", () => {
  const execution = v7({ msecs: 1_795_410_000_123 });
  const ids = assignmentIds(execution, 10_000, randomBytes);
  expect(ids.every((id) => validate(id) && version(id) === 7)).toBe(true);
  expect(new Set(ids).size).toBe(10_000);
  expect([...ids].sort()).toEqual(ids);
  expect(Number.parseInt(ids[9_999]!.replace("-", "").slice(0, 12), 16)).toBe(1_795_410_000_123);
});

test("the range of an execution holds its assignments and nothing of the neighbouring milliseconds", () => {
  const at = 1_795_410_000_123;
  const { from, to } = assignmentIdRange(v7({ msecs: at }));
  const [own] = assignmentIds(v7({ msecs: at }), 1, randomBytes);
  expect(own! > from && own! < to).toBe(true);
  expect(v7({ msecs: at - 1 }) < from).toBe(true);
  expect(v7({ msecs: at + 1 }) > to).toBe(true);
});
