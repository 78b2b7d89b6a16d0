import { type AssignmentState, assignmentStates } from "@opsconductor/contract/states";
import fc from "fast-check";
import { expect, test } from "vitest";
import { advanceExecution, type ExecutionProgress, type StageProgress, type Transition } from "./execution-state.ts";

const at = (minute: number) => new Date(Date.UTC(2026, 10, 23, 12, minute));
const move = (from: AssignmentState, to: AssignmentState, minute = 0): Transition => ({
  ...{ executionId: "e", stageId: "main", from, to, at: at(minute) },
});

function begin(n: number): { execution: ExecutionProgress; stages: StageProgress[] } {
  const common = { counts: { offered: n }, startedAt: null, finishedAt: null };
  return {
    execution: { id: "e", state: "queued", orchestrated: false, cancelRequestedAt: null, timedOutAt: null, ...common },
    stages: [{ stageId: "main", state: "pending", maxFailures: 0, stopped: false, timedOutAt: null, ...common }],
  };
}

const apply = (from: ReturnType<typeof begin>, ...transitions: Transition[]) =>
  advanceExecution(from.execution, from.stages, transitions);

test("the first start makes it running, the last outcome ends it", () => {
  const running = apply(begin(2), move("offered", "accepted"), move("accepted", "running", 1));
  expect(running.execution).toMatchObject({ state: "running", startedAt: at(1), counts: { offered: 1, running: 1 } });
  const one = apply(running, move("running", "succeeded", 2));
  expect(one.execution).toMatchObject({ state: "running", finishedAt: null });
  const all = apply(
    one,
    move("offered", "accepted", 3),
    move("accepted", "running", 3),
    move("running", "succeeded", 4),
  );
  expect(all.execution).toMatchObject({
    ...{ id: "e", state: "succeeded", counts: { succeeded: 2 }, startedAt: at(1), finishedAt: at(4) },
  });
  expect(all.stages[0]).toMatchObject({ state: "succeeded", finishedAt: at(4) });
});

test("a start and an end in one batch leave both times", () => {
  const { execution } = apply(begin(1), move("offered", "running", 1), move("running", "failed", 2));
  expect(execution).toMatchObject({ state: "failed", startedAt: at(1), finishedAt: at(2) });
});

test("an outcome stays, whatever comes late", () => {
  const done = apply(begin(1), move("offered", "lost", 1));
  expect(done.execution.state).toBe("failed");
  expect(apply(done, move("lost", "succeeded", 9)).execution).toMatchObject({ state: "failed", finishedAt: at(1) });
});

test("counts add up to the number of assignments on every way through the tables", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { minLength: 5, maxLength: 60 }), (picks) => {
      let progress = begin(3);
      const states: AssignmentState[] = ["offered", "offered", "offered"];
      for (const [i, pick] of picks.entries()) {
        const n = i % 3;
        const next = assignmentStates[states[n]!] as readonly AssignmentState[];
        if (next.length === 0) continue;
        const to = next[pick % next.length]!;
        progress = apply(progress, move(states[n]!, to, i));
        states[n] = to;
        expect(Object.values(progress.execution.counts).reduce((a, b) => a + b, 0)).toBe(3);
        expect(progress.execution.counts).toEqual(progress.stages[0]!.counts);
      }
      const allDone = states.every((s) => assignmentStates[s].length === 0);
      expect(progress.execution.finishedAt !== null).toBe(allDone);
    }),
  );
});
