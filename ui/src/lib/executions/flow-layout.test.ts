import { expect, test } from "vitest";
import type { ExecutionDetail } from "../api/types.ts";
import { flowLayout, leadingNode, nodeTowards, stageIdsOf, targetsOf } from "./flow-layout.ts";

type Stage = ExecutionDetail["stages"][number];
const stage = (id: string, needs: string[] = [], parent: string | null = null, counts = {}) =>
  ({ id, needs, parent, counts }) as Stage;

test("a stage stands one column behind the last that it needs, side by side with others", () => {
  const { nodes, columns, rows } = flowLayout([
    stage("build"),
    stage("lint"),
    stage("deploy", ["build", "lint"]),
    stage("verify", ["deploy", "build"]),
  ]);
  expect(nodes.map(({ column, row }) => [column, row])).toEqual([
    [0, 0],
    [0, 1],
    [1, 0],
    [2, 0],
  ]);
  expect(nodes[3]!.needs).toEqual([2, 0]);
  expect([columns, rows]).toEqual([3, 2]);
});

test("the arrow keys go up and down in a column, and sideways to the nearest of the next one", () => {
  const flow = flowLayout([
    stage("a"),
    stage("b"),
    stage("c"),
    stage("d", ["a"]),
    stage("e", ["d"]),
    stage("f", ["d"]),
  ]);
  const keys = (from: number, ...pressed: string[]) =>
    pressed.reduce((at, key) => nodeTowards(flow, at, key) ?? at, from);
  expect(keys(0, "ArrowDown", "ArrowDown", "ArrowDown")).toBe(2);
  expect(keys(2, "ArrowRight")).toBe(3);
  expect(keys(2, "ArrowRight", "ArrowRight", "ArrowDown", "ArrowRight")).toBe(5);
  expect(keys(5, "ArrowLeft", "ArrowLeft", "ArrowUp")).toBe(0);
  expect(keys(3, "End", "Home")).toBe(0);
  expect(nodeTowards(flow, 0, "x")).toBeUndefined();
});

test("the stage to look at first runs, else failed, else waits", () => {
  const states = (...all: string[]) => flowLayout(all.map((state, i) => ({ ...stage(`s${i}`), state }) as Stage));
  expect(leadingNode(states("succeeded", "failed", "queued", "running"))).toBe(3);
  expect(leadingNode(states("succeeded", "queued", "failed"))).toBe(2);
  expect(leadingNode(states("succeeded", "queued"))).toBe(1);
  expect(leadingNode(states("succeeded", "skipped"))).toBe(-1);
});

test("parts stand inside of what they are parts of, and count there", () => {
  const stages = [
    stage("call"),
    stage("call/one", [], "call", { succeeded: 2 }),
    stage("call/two", ["call/one"], "call", { queued: 1 }),
    stage("call/two/1", [], "call/two", { failed: 1, skipped: 5 }),
  ];
  const [node] = flowLayout(stages).nodes;
  expect(node!.parts).toHaveLength(3);
  expect(targetsOf(node!)).toEqual({ done: 3, total: 9 });
  expect([...stageIdsOf(stages, "call/two")]).toEqual(["call/two", "call/two/1"]);
  expect(flowLayout(stages, "call").nodes.map((n) => n.column)).toEqual([0, 1]);
});
