import { expect, test } from "vitest";
import { planStrike } from "./chaos-plan.ts";
import { planFlows } from "./flow-plan.ts";
import { createRandom } from "./random.ts";
import { unfoldPlan } from "./unfold-plan.ts";
import { planWorkload } from "./workload.ts";

test("the same seed makes the same strikes and the same work", () => {
  const plan = (seed: string) => {
    const random = createRandom(seed);
    const workload = planWorkload(random.stream("workload"), { targets: ["a", "b", "c"] });
    const flows = planFlows(random.stream("flows"), { targets: ["a", "b", "c"] });
    const executions = Array.from({ length: 20 }, (_, index) => [workload.execution(index), flows.execution(index)]);
    const options = { agents: 3, momentsFor: () => [{ name: "m" }, { name: "n" }] };
    const strikes = Array.from({ length: 30 }, (_, index) => planStrike(random.stream("strikes"), index, options));
    return JSON.stringify([strikes, executions]);
  };
  expect(plan("x")).toBe(plan("x"));
  expect(plan("x")).not.toBe(plan("y"));
});

test("work is the same for its number, whatever was planned before it", () => {
  const workload = () => planWorkload(createRandom("x"), { targets: ["a", "b"] });
  const early = workload().execution(7);
  const late = workload();
  for (let index = 0; index < 7; index++) late.execution(index);
  expect(late.execution(7)).toEqual(early);
});

test("the jobs of a run together use every way in which an execution waits", () => {
  const flows = planFlows(createRandom("any"), { targets: ["a", "b", "c", "d", "e"] });
  const plans = Array.from({ length: 36 }, (_, index) => flows.execution(index));
  const stages = plans.flatMap((plan) => unfoldPlan(plan));
  const gates = plans.map(({ job }) => job.flow!);
  const seen = (what: unknown[]) => [...new Set(what)].sort();
  expect(seen(stages.map(({ condition }) => condition))).toEqual(["always()", "failure()", "off", "on", "success()"]);
  expect(seen(stages.map(({ rollout }) => rollout?.order))).toEqual(["step-first", "target-first", undefined]);
  expect(seen(gates.map(({ approval }) => approval?.required))).toEqual([1, 2, undefined]);
  expect(seen(gates.map(({ concurrency }) => concurrency?.onConflict))).toEqual([
    "cancel-running",
    "queue",
    "skip",
    undefined,
  ]);
  expect(seen(plans.map(({ decision }) => decision?.kind))).toEqual(["approve", "none", "reject", undefined]);
  expect(stages.filter(({ isGroup, item }) => isGroup && item === undefined).length).toBeGreaterThan(0);
  expect(stages.filter(({ item }) => item !== undefined).length).toBeGreaterThan(0);
});

test("numbers reach both ends and are spread evenly", () => {
  const random = createRandom("dice");
  const counts = new Map<number, number>();
  for (let index = 0; index < 6000; index++) {
    const number = random.int(1, 6);
    counts.set(number, (counts.get(number) ?? 0) + 1);
  }
  expect([...counts.keys()].sort()).toEqual([1, 2, 3, 4, 5, 6]);
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
});
