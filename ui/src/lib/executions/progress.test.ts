import { expect, test } from "vitest";
import { progressOf } from "./progress.ts";

test("finished, good and bad are counted by the states of the contract", () => {
  expect(progressOf({ succeeded: 400, failed: 2, lost: 1, running: 50, queued: 47 }, 500)).toEqual({
    total: 500,
    done: 403,
    succeeded: 400,
    bad: 3,
  });
});

test("before the targets are resolved the planned number is the total; an unknown state is not done", () => {
  expect(progressOf({}, 12)).toEqual({ total: 12, done: 0, succeeded: 0, bad: 0 });
  expect(progressOf({ frozen_solid: 1 }, 0)).toMatchObject({ total: 1, done: 0 });
});
