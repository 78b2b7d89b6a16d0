import { expect, test } from "vitest";
import type { DraftCheck } from "../api/types.ts";
import { draftVerdict } from "./draft-verdict.ts";

const nothing = { errors: [], problems: [], notes: [], limited: false, stages: [], targetCount: 0 };
const checked = (more: Partial<DraftCheck>): DraftCheck => ({ ...nothing, valid: true, wouldRun: true, ...more });
const stage = (id: string, count: number | undefined) => ({
  ...{ id, name: id, parent: null, isGroup: count === undefined, needs: [], condition: null, job: null },
  ...{ inputs: null, matrix: null, steps: [], rollout: null },
  targets: count === undefined ? null : { count, offline: 0, leftOut: 0, max: null, items: [] },
});

test.each<[string, Partial<DraftCheck>, string, string]>([
  ["one stage", { targetCount: 12, stages: [stage("main", 12)] }, "ok", "Would run on 12 targets"],
  [
    "a workflow, whose groups count for no stage",
    { targetCount: 3, stages: [stage("call", undefined), stage("call/a", 1), stage("b", 2)] },
    "ok",
    "Would run on 3 targets, in 2 stages",
  ],
  [
    "targets that are still to be chosen",
    { stages: [stage("main", 0)] },
    "ok",
    "Would run on the targets that are chosen when it is started",
  ],
  [
    "a refusal",
    { wouldRun: false, problems: [{ stage: null, message: "matches no target" }] },
    "warn",
    "It would be refused now",
  ],
  ["a caller who runs none", { wouldRun: false }, "warn", "It would run, started by somebody who may run jobs"],
  [
    "mistakes of the text",
    { valid: false, wouldRun: false, errors: [{ path: "steps", message: "is missing" }] },
    "bad",
    "1 problem of the text to fix first",
  ],
])("the verdict on %s", (_, more, tone, text) => {
  expect(draftVerdict(checked(more))).toEqual({ tone, text });
});
