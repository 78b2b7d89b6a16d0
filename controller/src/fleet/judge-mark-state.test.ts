import { expect, test } from "vitest";
import { type HeardMark, type HereMark, reasonForBeingOlder } from "./judge-mark-state.ts";

const here: HereMark = { systemId: "s", generation: 2, position: 500n, life: "c", heardLife: { next: null } };
const judge = (heard: Partial<HeardMark>, more: Partial<HereMark> = {}) =>
  reasonForBeingOlder({ systemId: "s", generation: 2, position: 400n, life: "c", ...heard }, { ...here, ...more });

test("what was told of this history is no reason", () => {
  expect(judge({})).toBeUndefined();
  expect(judge({ position: 500n })).toBeUndefined();
  expect(judge({ life: "b", position: 300n }, { heardLife: { next: 300n } })).toBeUndefined();
  expect(judge({ life: "b", generation: 1, position: 300n }, { heardLife: { next: 300n } })).toBeUndefined();
});

test("changes that are missing are a reason, also when this database has grown past them since", () => {
  expect(judge({ position: 501n })).toMatch(/changes/);
  expect(judge({ life: "b", position: 301n }, { heardLife: { next: 300n } })).toMatch(/changes/);
  expect(judge({ life: "b", position: 1n }, { heardLife: undefined })).toMatch(/no memory/);
  expect(judge({ systemId: "other", position: 1n })).toMatch(/another PostgreSQL/);
  expect(judge({ generation: 3 })).toMatch(/later restore/);
});
