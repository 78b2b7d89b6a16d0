import { describe, expect, it } from "vitest";
import type { Assignment, Step } from "../api/types.ts";
import { timelineOf } from "./timeline.ts";

const at = (second: number) => new Date(second * 1000).toISOString();
const step = (target: string, id: string, tries: [number, number | null, string][]) =>
  ({
    assignmentId: target,
    targetName: target,
    stepId: id,
    name: id,
    tries: tries.map(([from, to, state], i) => ({
      attempt: 1,
      try: i + 1,
      state,
      startedAt: at(from),
      finishedAt: to === null ? null : at(to),
    })),
  }) as unknown as Step;
const assignment = (target: string, from: number | null, to: number | null) =>
  ({
    id: target,
    targetName: target,
    state: "succeeded",
    startedAt: from === null ? null : at(from),
    finishedAt: to === null ? null : at(to),
  }) as unknown as Assignment;

describe("the timeline", () => {
  it("places every try on one axis from the first start to the last end", () => {
    const timeline = timelineOf(
      [
        step("a", "x", [
          [0, 5, "failed"],
          [10, 20, "succeeded"],
        ]),
      ],
      [],
      0,
    );
    expect(timeline).toMatchObject({ startMs: 0, endMs: 20_000, hasWhole: false });
    expect(timeline?.rows[0]?.bars).toMatchObject([
      { left: 0, width: 0.25, state: "failed", durationMs: 5000 },
      { left: 0.5, width: 0.5, state: "succeeded" },
    ]);
  });

  it("lets what runs reach to now, and shows what took no time", () => {
    const timeline = timelineOf(
      [step("a", "x", [[0, 0, "succeeded"]]), step("a", "y", [[0, null, "started"]])],
      [],
      40_000,
    );
    expect(timeline?.endMs).toBe(40_000);
    expect(timeline?.rows[0]?.bars[0]?.width).toBeGreaterThan(0);
    expect(timeline?.rows[0]?.bars[1]).toMatchObject({ durationMs: 40_000, width: 1 });
  });

  it("draws targets without their steps as one bar, behind those with steps and by their start", () => {
    const timeline = timelineOf(
      [step("b", "x", [[5, 6, "succeeded"]])],
      [assignment("late", 8, 9), assignment("b", 5, 6), assignment("early", 1, 2), assignment("waiting", null, null)],
      0,
    );
    expect(timeline?.rows.map((row) => row.target)).toEqual(["b", "early", "late"]);
    expect(timeline?.hasWhole).toBe(true);
    expect(timeline?.startMs).toBe(1000);
  });

  it("is nothing before anything has started", () => {
    expect(timelineOf([], [assignment("a", null, null)], 0)).toBeUndefined();
  });
});
