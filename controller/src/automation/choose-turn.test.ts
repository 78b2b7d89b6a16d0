import { expect, test } from "vitest";
import { chooseTurn, type Waiting } from "./choose-turn.ts";
import type { Rival } from "./concurrency-queries.ts";

/** By their numbers: the oldest is the smallest. */
const rival = (number: number, how: Partial<Rival> = {}): Rival => ({
  ...{ id: `id-${number}`, number: BigInt(number), held: false, replaces: false, isBefore: true, ...how },
});
const runs = { held: true };
const replacing = { replaces: true };
const own = (onConflict: Waiting["onConflict"], limit = 1): Waiting => ({ id: "id-5", limit, onConflict });

test("it takes its turn when fewer than the limit run or wait before it", () => {
  expect(chooseTurn(own("queue"), [])).toEqual({ kind: "take", replaced: [] });
  expect(chooseTurn(own("queue", 2), [rival(1, runs)])).toMatchObject({ kind: "take" });
  expect(chooseTurn(own("queue"), [rival(1, runs)])).toMatchObject({ kind: "wait", who: "#1 runs" });
  expect(chooseTurn(own("queue"), [rival(1)])).toMatchObject({ kind: "wait", who: "an earlier one waits" });
  expect(chooseTurn(own("skip"), [rival(1)])).toMatchObject({ kind: "skip", who: "an earlier one waits" });
});

test("the newest that cancels others is the one that runs: what waits before it ends, what runs is cancelled", () => {
  const rivals = [rival(1, runs), rival(2), rival(3, replacing)];
  expect(chooseTurn(own("cancel-running"), rivals)).toEqual({
    ...{ kind: "cancel", ids: ["id-1"], first: 1n, replaced: ["id-2", "id-3"] },
  });
  expect(chooseTurn(own("cancel-running"), [rival(2), rival(3, replacing)])).toEqual({
    ...{ kind: "take", replaced: ["id-2", "id-3"] },
  });
  const newer = [rival(6, replacing), rival(7, { replaces: true, isBefore: false })];
  for (const onConflict of ["queue", "skip", "cancel-running"] as const)
    expect(chooseTurn(own(onConflict), newer)).toEqual({ kind: "replaced", by: 7n });
});

test("a newer one that began already is not cancelled for an older one", () => {
  const newer = rival(6, { held: true, replaces: true, isBefore: false });
  expect(chooseTurn(own("cancel-running"), [newer])).toEqual({ kind: "replaced", by: 6n });
});

test("with a limit of more than one only those end for which no turn is left", () => {
  const rivals = [rival(1, runs), rival(2, runs), rival(3), rival(4, replacing)];
  expect(chooseTurn(own("cancel-running", 2), rivals)).toEqual({
    ...{ kind: "cancel", ids: ["id-1", "id-2"], first: 1n, replaced: ["id-3"] },
  });
  expect(chooseTurn(own("cancel-running", 2), [rival(6, replacing)])).toMatchObject({ kind: "take" });
  expect(chooseTurn(own("queue", 2), [rival(6, replacing), rival(7, replacing)])).toMatchObject({ kind: "replaced" });
});

test("one that is being cancelled itself takes nobody's place", () => {
  expect(chooseTurn(own("cancel-running"), [rival(6, { isBefore: false })])).toMatchObject({ kind: "take" });
});
