import { expect, test } from "vitest";
import { chooseAssignments, type ResolvedTarget } from "./choose-assignments.ts";
import { chooseStepStates } from "./choose-step-states.ts";

const target = (name: string, agentState: ResolvedTarget["agentState"]): ResolvedTarget => ({
  ...{ id: `id-${name}`, name, agentId: agentState === null ? null : `agent-${name}`, agentState },
});
const choose = (targets: ResolvedTarget[], offline: "queue" | "skip" | "fail", max?: number) =>
  chooseAssignments(targets, { max, offline }, "The selector x").map((a) => [a.state, a.stateReason]);

test("only connected agents count as there; the reason names what is missing", () => {
  const targets = [
    target("a", "online"),
    target("b", "offline"),
    target("c", "never_connected"),
    target("d", "quarantined"),
  ];
  expect(choose(targets, "queue").map(([state]) => state)).toEqual(["queued", "queued", "queued", "queued"]);
  expect(choose(targets, "skip")).toEqual([
    ["queued", null],
    ["skipped", "its agent is offline, and the job says offline: skip"],
    ["skipped", "its agent is not connected yet, and the job says offline: skip"],
    ["skipped", "its agent is quarantined, and the job says offline: skip"],
  ]);
  expect(choose(targets, "fail").map(([state]) => state)).toEqual(["queued", "expired", "expired", "expired"]);
});

test("a target without a usable agent refuses the whole execution, by name", () => {
  const many = Array.from({ length: 12 }, (_, i) => target(`n${i}`, null));
  expect(() => choose([target("a", "online"), target("old", "revoked")], "skip")).toThrow("No agent manages old:");
  expect(() => choose(many, "queue")).toThrow("n8, n9 and 2 more");
});

test("none and too many are refused", () => {
  expect(() => choose([], "queue")).toThrow("The selector x matches no target");
  expect(() => choose([target("a", "online"), target("b", "online")], "queue", 1)).toThrow(
    "matches 2 targets, and the job allows 1",
  );
});

test("steps without a row wait while the assignment lives, and end with it", () => {
  const begun = new Map([[0, "succeeded" as const]]);
  expect(chooseStepStates(3, begun, "running")).toEqual(["succeeded", "pending", "pending"]);
  expect(chooseStepStates(3, begun, "failed")).toEqual(["succeeded", "skipped", "skipped"]);
  expect(chooseStepStates(2, new Map(), "cancelled")).toEqual(["cancelled", "cancelled"]);
});
