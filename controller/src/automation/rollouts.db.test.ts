// Rollouts: batches, the failure budget, pauses and barriers, over ten hosts.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestContext } from "../testing/test-context.ts";
import { cancelExecution } from "./cancel-execution.ts";
import { getExecution } from "./get-execution.ts";
import { listAssignments } from "./list-assignments.ts";
import { retryExecution } from "./retry-execution.ts";
import { finishedStep, finishedTry, started, starting } from "./testing/fake-agent.ts";
import { execute, saveTestJob, tester } from "./testing/save-test-job.ts";
import { WorkflowBench } from "./testing/workflow-bench.ts";

const hosts = Array.from({ length: 10 }, (_, i) => `host-${i}`);
let t: TestContext;
let bench: WorkflowBench;
beforeAll(async () => {
  bench = await WorkflowBench.with(hosts);
  t = bench.t;
});
afterAll(() => t.close());

const none = Buffer.from("");

test("a canary goes first, then batches; beyond the failure budget nothing more is started", async () => {
  await saveTestJob(t, "patch", "rollout: { canary: 1, batch: 30%, maxFailures: 10% }\nsteps: [{ run: apt }]");
  const { id } = await execute(t, "patch", hosts);
  const offered = () =>
    bench.agents.filter((agent) => agent.offers.some((offer) => offer.executionId === id)).map((agent) => agent.name);
  await bench.runOn("host-0", id);
  expect(offered()).toEqual(["host-0", "host-1", "host-2", "host-3"]);
  await bench.runOn("host-1", id, "failed");
  await bench.runOn("host-2", id);
  expect(offered()).toHaveLength(4);
  await bench.runOn("host-3", id);
  expect(offered()).toHaveLength(7);
  await bench.runOn("host-4", id, "failed");
  expect(await bench.statesOf(id)).toContain("main host-9 skipped");
  await bench.runOn("host-5", id);
  await bench.runOn("host-6", id);
  expect(offered()).toHaveLength(7);
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({
    state: "failed",
    counts: { succeeded: 5, failed: 2, skipped: 3 },
    stages: [{ stateReason: "stopped: 2 targets failed, and the job allows 1 (rollout.maxFailures)" }],
  });
  const { items: ended } = await listAssignments(t.ctx, tester, { execution: id, limit: 20 });
  expect(ended.filter(({ state }) => state === "skipped").map(({ stateReason }) => stateReason)).toEqual(
    Array(3).fill("not started: 2 targets failed, and the job allows 1 (rollout.maxFailures)"),
  );
  const again = async (take: "failed" | "rest") => {
    const made = await retryExecution(t.ctx, tester, { execution: id, take, repeatLost: false, reason: "" });
    const { items } = await listAssignments(t.ctx, tester, { execution: made.id, limit: 20 });
    await cancelExecution(t.ctx, tester, { execution: made.id, reason: "" });
    return items.map(({ targetName }) => targetName).sort();
  };
  expect(await again("failed")).toEqual(["host-1", "host-4"]);
  expect(await again("rest")).toEqual(["host-1", "host-4", "host-7", "host-8", "host-9"]);
});

test("within the failure budget the rest goes on, and the outcome is partial", async () => {
  const { id } = await execute(t, "patch", hosts);
  for (let i = 0; i < 10; i++) await bench.runOn(`host-${i}`, id, i === 2 ? "failed" : "succeeded");
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({
    state: "partial",
    counts: { succeeded: 9, failed: 1 },
  });
});

test("between two batches it pauses by a due time in the row", async () => {
  await saveTestJob(t, "slow", "rollout: { batch: 1, pause: 1h }\nsteps: [{ run: apt }]");
  const { id } = await execute(t, "slow", ["host-0", "host-1"]);
  await bench.runOn("host-0", id);
  const offers = () => bench.agentOf("host-1").offers.filter((offer) => offer.executionId === id);
  expect(offers()).toEqual([]);
  const [row] = await t.ctx
    .sql`select due_at > now() + interval '59 minutes' as waits from automation.executions where id = ${id}`;
  expect(row).toEqual({ waits: true });
  await t.ctx.sql`update automation.stages set next_batch_at = now() - interval '1 second' where execution_id = ${id}`;
  await t.ctx.sql`update automation.executions set due_at = now() - interval '1 second' where id = ${id}`;
  await t.ctx.automation.flows.poll();
  await bench.settled();
  expect(offers()).toHaveLength(1);
  await bench.runOn("host-1", id);
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "succeeded" });
});

test("step-first lets nobody begin a step before all have finished the one before", async () => {
  await saveTestJob(t, "walls", "rollout: { order: step-first }\nsteps: [{ run: a }, { run: b }]");
  const { id } = await execute(t, "walls", ["host-0", "host-1"]);
  const first = await bench.offerTo("host-0", id);
  const second = await bench.offerTo("host-1", id);
  expect([first.releaseThroughStep, second.releaseThroughStep]).toEqual([0, 0]);
  const stepOne = [{ kind: "accepted" } as const, starting(), started(), finishedTry(none), finishedStep()];
  await bench.agentOf("host-0").say(first, ...stepOne, { kind: "held", nextStepId: "step-2" });
  await bench.settled();
  const released = (name: string) =>
    bench
      .agentOf(name)
      .desires.filter((d) => d.want === "run")
      .map((d) => d.releaseThroughStep);
  expect(released("host-0")).not.toContain(1);
  await bench.agentOf("host-1").say(second, ...stepOne);
  await bench.settled();
  expect(released("host-0")).toContain(1);
  expect(released("host-1")).toContain(1);
});

/** While somebody else has the row of the host's assignment, `act` is done and the execution is advanced. */
async function advancedWhileHeld(id: string, name: string, act: () => Promise<unknown>): Promise<void> {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { promise: locked, resolve: hasLocked } = Promise.withResolvers<void>();
  const holding = t.ctx.sql.begin(async (tx) => {
    await tx`select id from automation.assignments where execution_id = ${id} and target_name = ${name} for no key update`;
    hasLocked();
    await released;
  });
  await locked;
  await act();
  await t.ctx.automation.flows.idle();
  release();
  await holding;
  await t.ctx.sql`update automation.executions set due_at = now() - interval '1 second' where id = ${id}`;
  await t.ctx.automation.flows.poll();
  await bench.settled();
}

test("a host whose row somebody else had when the barrier was raised, or the budget was spent, is told later", async () => {
  const wanted = (name: string, id: string) => bench.agentOf(name).desires.filter((d) => d.assignmentId === id);
  const stepOne = (state?: string) =>
    [
      { kind: "accepted" },
      starting(),
      started(),
      finishedTry(none, "step-1", state),
      finishedStep("step-1", state),
    ] as const;
  const { id } = await execute(t, "walls", ["host-0", "host-1"]);
  const [first, second] = [await bench.offerTo("host-0", id), await bench.offerTo("host-1", id)];
  await bench.agentOf("host-0").say(first, ...stepOne(), { kind: "held", nextStepId: "step-2" });
  await bench.settled();
  await advancedWhileHeld(id, "host-0", () => bench.agentOf("host-1").say(second, ...stepOne()));
  expect(wanted("host-0", first.assignmentId)).toContainEqual(expect.objectContaining({ releaseThroughStep: 1 }));

  const other = await execute(t, "walls", ["host-0", "host-1"]);
  const [held, fails] = [await bench.offerTo("host-0", other.id), await bench.offerTo("host-1", other.id)];
  await bench.agentOf("host-0").say(held, ...stepOne(), { kind: "held", nextStepId: "step-2" });
  await bench.settled();
  const said = [...stepOne("failed"), { kind: "finished", state: "failed", reason: "" }] as const;
  await advancedWhileHeld(other.id, "host-0", () => bench.agentOf("host-1").say(fails, ...said));
  expect(wanted("host-0", held.assignmentId)).toContainEqual(expect.objectContaining({ want: "cancel" }));
});
