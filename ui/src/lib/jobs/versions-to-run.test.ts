import { expect, test } from "vitest";
import { versionsToRun } from "./versions-to-run.ts";

test("the newest version is offered, and beside it the one that ran when that is another", () => {
  expect(versionsToRun(4, undefined)).toEqual([{ version: 4, kind: "newest" }]);
  expect(versionsToRun(4, 4)).toEqual([{ version: 4, kind: "newest" }]);
  expect(versionsToRun(4, 2)).toEqual([
    { version: 4, kind: "newest" },
    { version: 2, kind: "ran" },
  ]);
});

test("nothing is offered before the newest is known", () => {
  expect(versionsToRun(undefined, 2)).toEqual([]);
});
