import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { limitAgent } from "../fleet/limit-agent.ts";
import { type TestContext, testActor, testContext } from "../testing/test-context.ts";
import { cancelExecution } from "./cancel-execution.ts";
import { getExecution } from "./get-execution.ts";
import { getLimits, setLimits } from "./limits.ts";
import { listAssignments } from "./list-assignments.ts";
import { pauseExecution, resumeExecution } from "./pause-execution.ts";
import { FakeAgent, finishedStep, finishedTry, started, starting } from "./testing/fake-agent.ts";
import { execute, saveTestJob, tester } from "./testing/save-test-job.ts";

let t: TestContext;
let one: FakeAgent;
let two: FakeAgent;
beforeAll(async () => {
  t = await testContext();
  one = await FakeAgent.connected(t, "one");
  two = await FakeAgent.connected(t, "two");
  await saveTestJob(t, "work");
  await saveTestJob(t, "urgent", "priority: high\nsteps: [{ run: x }]");
  await saveTestJob(t, "turns", "concurrency: { key: k }\nsteps: [{ run: x }]");
  await saveTestJob(t, "in-step", "rollout: { order: step-first }\nsteps: [{ run: a }, { run: b }]");
});
afterAll(() => t.close());
beforeEach(async () => {
  await set({});
  await limitAgent(t.ctx, tester, { id: one.id, limit: null });
});

const none = Buffer.from("");
const unset = {
  agentLimit: null,
  fleetLimit: null,
  brakeJob: null,
  brakeUser: null,
  brakeSeconds: 60,
  brakeUnfinished: null,
};
const set = async (to: Partial<typeof unset> | Record<string, number | null>) =>
  await setLimits(t.ctx, tester, { ...unset, ...to, revision: (await getLimits(t.ctx, tester)).revision });
const offers = (id: string, to = one) => to.offers.filter((offer) => offer.executionId === id);
const settled = async () => {
  await t.ctx.automation.flows.idle();
  await t.ctx.automation.dispatcher.idle();
};
const waiting = async (id: string) => (await getExecution(t.ctx, tester, id)).waiting;
async function finish(id: string, agent = one): Promise<void> {
  await expect.poll(() => offers(id, agent).length, { timeout: 15_000 }).toBe(1);
  await agent.run(offers(id, agent)[0]!, none);
}

test("an agent with a limit runs so many at once, the rest says why it waits, and a finish lets the next begin", async () => {
  await limitAgent(t.ctx, tester, { id: one.id, limit: 1 });
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) ids.push((await execute(t, "work", ["one"])).id);
  await settled();
  expect(ids.map((id) => offers(id).length)).toEqual([1, 0, 0]);
  expect(await waiting(ids[1]!)).toMatchObject({ agent: 1, fleet: 0, away: 0 });
  const [row] = (await listAssignments(t.ctx, tester, { execution: ids[1]!, limit: 10 })).items;
  expect(row).toMatchObject({ state: "queued", waitsFor: "agent" });
  for (const id of ids) await finish(id);
  await expect
    .poll(() => getExecution(t.ctx, tester, ids[2]!))
    .toMatchObject({ state: "succeeded", waiting: { agent: 0 } });
});

test("a limit of the settings is for every agent, that of an agent wins, and a raised one holds at once", async () => {
  await set({ agentLimit: 1 });
  const first = await execute(t, "work", ["one", "two"]);
  const second = await execute(t, "work", ["one", "two"]);
  await settled();
  expect([offers(first.id).length, offers(first.id, two).length]).toEqual([1, 1]);
  expect([offers(second.id).length, offers(second.id, two).length]).toEqual([0, 0]);
  await limitAgent(t.ctx, tester, { id: one.id, limit: 2 });
  await settled();
  expect([offers(second.id).length, offers(second.id, two).length]).toEqual([1, 0]);
  await set({});
  await settled();
  expect(offers(second.id, two).length).toBe(1);
  for (const id of [first.id, second.id]) for (const agent of [one, two]) await finish(id, agent);
});

test("the fleet as a whole keeps its limit over all agents, and work of an agent that is away does not count", async () => {
  await set({ fleetLimit: 1 });
  const first = await execute(t, "work", ["one"]);
  const second = await execute(t, "work", ["two"]);
  await settled();
  expect([offers(first.id).length, offers(second.id, two).length]).toEqual([1, 0]);
  expect(await waiting(second.id)).toEqual({ agent: 0, fleet: 1, fleetLimit: 1, away: 0 });
  expect(await getLimits(t.ctx, tester)).toMatchObject({ running: 1, waitingForFleet: 1 });
  const { jobId } = await getExecution(t.ctx, tester, first.id);
  const scope = { kind: "job", jobId: t.ctx.newId() } as const;
  const permissions = new Set(["executions:read"] as const);
  const elsewhere = {
    ...tester,
    permissions: new Set<never>(),
    grants: [{ id: t.ctx.newId(), permissions, scope, lockedInputs: {}, ownExecutions: false }],
  };
  expect(await getLimits(t.ctx, elsewhere)).toMatchObject({ fleetLimit: 1, running: 0, waitingForFleet: 0 });
  const there = { ...elsewhere, grants: [{ ...elsewhere.grants[0]!, scope: { ...scope, jobId } }] };
  expect(await getLimits(t.ctx, there)).toMatchObject({ running: 1, waitingForFleet: 1 });
  await one.disconnect();
  await t.ctx.automation.dispatcher.poll();
  await settled();
  expect(offers(second.id, two).length).toBe(1);
  const third = await execute(t, "work", ["two"]);
  await settled();
  expect(offers(third.id, two).length).toBe(0);
  await finish(second.id, two);
  await finish(third.id, two);
  await one.connect([{ ...offers(first.id)[0]!, lastSeq: 0n, state: "accepted" }]);
  await finish(first.id);
});

test("what is urgent goes first, and in turns by a key, too", async () => {
  await limitAgent(t.ctx, tester, { id: one.id, limit: 1 });
  const running = await execute(t, "work", ["one"]);
  const low = await execute(t, "work", ["one"], { priority: "low" });
  const normal = await execute(t, "work", ["one"]);
  const high = await execute(t, "urgent", ["one"]);
  expect(high).toMatchObject({ priority: "high" });
  for (const [ended, next] of [
    [running, high],
    [high, normal],
    [normal, low],
  ] as const) {
    await finish(ended.id);
    await expect.poll(() => offers(next.id).length, { timeout: 15_000 }).toBe(1);
  }
  await finish(low.id);
  const turns = await execute(t, "turns", ["one"]);
  await settled();
  const later = await execute(t, "turns", ["one"]);
  const sooner = await execute(t, "turns", ["one"], { priority: "high" });
  await settled();
  for (const { id } of [turns, sooner, later]) await finish(id);
  const began = (id: string) => one.offers.findIndex((offer) => offer.executionId === id);
  expect(began(sooner.id)).toBeLessThan(began(later.id));
});

test("high takes a permission, for an execution and for a job; who may write it lets others run it", async () => {
  const plain = testActor("jobs:read", "jobs:execute", "jobs:write", "executions:read", "targets:read");
  const start = (job: string, priority?: "high" | "low") => execute(t, job, ["one"], { priority }, plain);
  await expect(start("work", "high")).rejects.toThrow("needs the permission executions:prioritize");
  await expect(saveTestJob(t, "mine", "priority: high\nsteps: [{ run: x }]", plain)).rejects.toThrow(
    "executions:prioritize",
  );
  const urgent = await start("urgent");
  const low = await start("work", "low");
  expect([urgent.priority, low.priority]).toEqual(["high", "low"]);
  for (const { id } of [urgent, low]) await finish(id);
});

test("targets that wait at a barrier or in a pause take no place, so a limit cannot stop a step-first rollout", async () => {
  await set({ fleetLimit: 1 });
  const { id } = await execute(t, "in-step", ["one", "two"]);
  await settled();
  const first = offers(id).length === 1 ? one : two;
  const second = first === one ? two : one;
  expect(offers(id, second)).toEqual([]);
  const done = (step: string) => [starting(step), started(step), finishedTry(none, step), finishedStep(step)];
  await first.say(offers(id, first)[0]!, { kind: "accepted" }, ...done("step-1"));
  await t.ctx.automation.dispatcher.poll();
  await settled();
  expect(offers(id, second).length).toBe(1);
  await pauseExecution(t.ctx, tester, id);
  const other = await execute(t, "work", [second.name]);
  await second.say(offers(id, second)[0]!, { kind: "accepted" }, ...done("step-1"));
  await t.ctx.automation.dispatcher.poll();
  await finish(other.id, second);
  await resumeExecution(t.ctx, tester, id);
  await settled();
  for (const agent of [one, two])
    await agent.say(offers(id, agent)[0]!, ...done("step-2"), { kind: "finished", state: "succeeded", reason: "" });
  await settled();
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "succeeded" });
});

test("the brake refuses a job, or a user, that is started too often, says when to come back, and is in the audit log", async () => {
  const other = testActor();
  await saveTestJob(t, "loop");
  await set({ brakeJob: 2 });
  const key = { idempotencyKey: "again" };
  const first = await execute(t, "loop", ["one"], key);
  await execute(t, "loop", ["one"], {}, other);
  const refused = await execute(t, "loop", ["one"]).catch((error) => error);
  expect(refused).toMatchObject({ code: "rate_limited", retryAfterSeconds: 60 });
  expect(refused.message).toMatch(/^loop was started 2 times within 60 s/);
  expect(await execute(t, "loop", ["one"], key)).toMatchObject({ id: first.id });
  const [row] = await t.ctx.sql`select outcome, detail from communication.audit where action = 'execution.braked'`;
  expect(row).toMatchObject({ outcome: "refused", detail: { job: 2, seconds: 60 } });
  await set({ brakeUser: 1 });
  await expect(execute(t, "work", ["one"], {}, other)).rejects.toThrow("tester started 1 executions within 60 s");
  await set({});
  expect(await execute(t, "loop", ["one"], {}, other)).toMatchObject({ state: "queued" });
});

test("a job whose executions pile up is not started again until some are over; of other jobs nothing is said", async () => {
  await FakeAgent.make(t, "asleep");
  await saveTestJob(t, "pile");
  await set({ brakeUnfinished: 3 });
  const key = { idempotencyKey: "third" };
  const first = await execute(t, "pile", ["asleep"]);
  await execute(t, "pile", ["asleep"]);
  const third = await execute(t, "pile", ["asleep"], key);
  const refused = await execute(t, "pile", ["asleep"]).catch((error) => error);
  expect(refused).toMatchObject({ code: "rate_limited", retryAfterSeconds: 60 });
  expect(refused.message).toMatch(
    /^3 executions of pile are not finished, and no more are allowed \(the brake under Limits\)/,
  );
  expect(await execute(t, "pile", ["asleep"], key)).toMatchObject({ id: third.id });
  await saveTestJob(t, "other");
  await execute(t, "other", ["asleep"]);
  await cancelExecution(t.ctx, tester, { execution: first.id, reason: "" });
  expect(await execute(t, "pile", ["asleep"])).toMatchObject({ state: "queued" });
  await expect(execute(t, "pile", ["asleep"])).rejects.toThrow("3 executions of pile");
  await set({});
  await execute(t, "pile", ["asleep"]);
});

test("until somebody sets another, the brake is at 1,000 unfinished executions of a job, and close to it when many start", async () => {
  const fresh = await testContext();
  expect(await getLimits(fresh.ctx, tester)).toMatchObject({ brakeUnfinished: 1000, brakeJob: null, brakeUser: null });
  await FakeAgent.make(fresh, "one");
  await saveTestJob(fresh, "loop");
  await setLimits(fresh.ctx, tester, { ...unset, brakeUnfinished: 40, revision: 1 });
  let made = 0;
  const refused = async () => {
    for (; made < 60; made++) await execute(fresh, "loop", ["one"]);
  };
  await expect(refused()).rejects.toThrow("40 executions of loop are not finished");
  expect(made).toBeGreaterThanOrEqual(40);
  expect(made).toBeLessThanOrEqual(42);
  await fresh.close();
});

test("setting the limits takes the revision that was read, and the right over the system", async () => {
  const { revision } = await getLimits(t.ctx, tester);
  await expect(setLimits(t.ctx, tester, { ...unset, revision: revision - 1 })).rejects.toThrow("Somebody changed");
  await expect(setLimits(t.ctx, testActor("system:read"), { ...unset, revision })).rejects.toThrow("system:write");
});
