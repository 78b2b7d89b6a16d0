import { expect, test } from "vitest";
import type { ExecutionDetail } from "../api/types.ts";
import { flowLayout, stageIdsOf, targetsOf } from "./flow-layout.ts";

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

test("parts stand inside of what they are parts of, and count there", () => {
  const stages = [
    stage("call"),
    stage("call/one", [], "call", { succeeded: 2 }),
    stage("call/two", ["call/one"], "call", { queued: 1 }),
    stage("call/two/1", [], "call/two", { failed: 1 }),
  ];
  const [node] = flowLayout(stages).nodes;
  expect(node!.parts).toHaveLength(3);
  expect(targetsOf(node!)).toEqual({ done: 3, total: 4 });
  expect([...stageIdsOf(stages, "call/two")]).toEqual(["call/two", "call/two/1"]);
  expect(flowLayout(stages, "call").nodes.map((n) => n.column)).toEqual([0, 1]);
});
