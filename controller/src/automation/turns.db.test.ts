import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { cancelExecution } from "./cancel-execution.ts";
import { getExecution } from "./get-execution.ts";
import { pauseExecution, resumeExecution } from "./pause-execution.ts";
import { FakeAgent, finishedStep, finishedTry, started, starting } from "./testing/fake-agent.ts";
import { execute, saveTestJob, tester } from "./testing/save-test-job.ts";

let t: TestContext;
let agent: FakeAgent;
beforeAll(async () => {
  t = await testContext();
  agent = await FakeAgent.connected(t, "web-1");
  for (const onConflict of ["queue", "skip", "cancel-running"])
    await saveTestJob(
      t,
      onConflict,
      `concurrency: { key: "k/${onConflict}", onConflict: ${onConflict} }\nsteps: [{ run: x }]`,
    );
  await saveTestJob(t, "plain", "steps: [{ run: a }, { run: b }]");
  await saveTestJob(t, "staged", "rollout: { batch: 1 }\nsteps: [{ run: a }]");
  t.ctx.automation.flows.useCancel((execution, reason) => cancelExecution(t.ctx, tester, { execution, reason }));
});
afterAll(() => t.close());

const none = Buffer.from("");
const offers = (id: string, to = agent) => to.offers.filter((offer) => offer.executionId === id);
const get = (id: string) => getExecution(t.ctx, tester, id);
/** The agent says that what it was asked to stop has stopped. */
async function endCancelled(id: string): Promise<void> {
  const ended = { kind: "finished", state: "cancelled", reason: "" } as const;
  const step = [finishedTry(none, "step-1", "cancelled"), finishedStep("step-1", "cancelled")];
  await agent.say(offers(id)[0]!, { kind: "accepted" }, starting(), started(), ...step, ended);
}
async function settled(): Promise<void> {
  await t.ctx.automation.flows.idle();
  await t.ctx.automation.dispatcher.idle();
}

test("with a key one runs after the other, in the order in which they were asked for", async () => {
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) {
    ids.push((await execute(t, "queue", ["web-1"])).id);
    await settled(); // asked for at once, they may be looked at in another order, and say that they wait for each other
  }
  expect(ids.map((id) => offers(id).length)).toEqual([1, 0, 0]);
  expect(await get(ids[1]!)).toMatchObject({
    state: "queued",
    stateReason: expect.stringMatching(/^waits for its turn: #\d+ runs/),
  });
  for (const id of ids) {
    await expect.poll(() => offers(id).length).toBe(1);
    await agent.run(offers(id)[0]!, none);
    await settled();
  }
  for (const id of ids) expect(await get(id)).toMatchObject({ state: "succeeded", stateReason: null });
});

test("onConflict: skip does not run it, cancel-running cancels the other and then runs", async () => {
  const first = await execute(t, "skip", ["web-1"]);
  await settled();
  const second = await execute(t, "skip", ["web-1"]);
  await settled();
  expect(await get(second.id)).toMatchObject({
    state: "skipped",
    stateReason: expect.stringMatching(/^not started: #\d+ runs/),
  });
  await agent.run(offers(first.id)[0]!, none);
  const old = await execute(t, "cancel-running", ["web-1"]);
  await settled();
  const young = await execute(t, "cancel-running", ["web-1"]);
  await settled();
  expect(agent.desires.at(-1)).toMatchObject({ want: "cancel", assignmentId: offers(old.id)[0]!.assignmentId });
  expect(offers(young.id)).toEqual([]);
  await endCancelled(old.id);
  await settled();
  await expect.poll(() => offers(young.id).length).toBe(1);
  expect(await get(old.id)).toMatchObject({ state: "cancelled" });
  await agent.run(offers(young.id)[0]!, none);
  await settled();
});

test("of several that cancel what runs only the newest begins, those that wait before it end without a start", async () => {
  const ids: string[] = [];
  for (let i = 0; i < 4; i++) {
    ids.push((await execute(t, "cancel-running", ["web-1"])).id);
    await settled();
  }
  const [old, second, third, newest] = ids as [string, string, string, string];
  const numberOf = async (id: string) => (await get(id)).number;
  const replacedBy = async (id: string) => ({
    state: "skipped",
    stateReason: `not started: #${await numberOf(id)} is newer and runs instead (concurrency key k/cancel-running)`,
    counts: { skipped: 1 },
  });
  expect(await get(second)).toMatchObject(await replacedBy(third));
  expect(await get(third)).toMatchObject(await replacedBy(newest));
  expect(await get(newest)).toMatchObject({
    state: "queued",
    stateReason: `waits until #${await numberOf(old)} is cancelled`,
  });
  await endCancelled(old);
  await expect.poll(() => offers(newest).length).toBe(1);
  await agent.run(offers(newest)[0]!, none);
  await settled();
  expect(await get(newest)).toMatchObject({ state: "succeeded" });
  expect([second, third].map((id) => offers(id).length)).toEqual([0, 0]);
});

test("a newer one that cancels what runs also takes the place of what waits in the queue", async () => {
  const calls = (onConflict: string) => `concurrency: { key: mixed, onConflict: ${onConflict} }\nsteps: [{ run: x }]`;
  await saveTestJob(t, "mixed-queue", calls("queue"));
  await saveTestJob(t, "mixed-cancel", calls("cancel-running"));
  const first = await execute(t, "mixed-queue", ["web-1"]);
  await settled();
  const waiting = await execute(t, "mixed-queue", ["web-1"]);
  await settled();
  expect(await get(waiting.id)).toMatchObject({ state: "queued" });
  const newest = await execute(t, "mixed-cancel", ["web-1"]);
  await settled();
  expect(await get(waiting.id)).toMatchObject({
    state: "skipped",
    stateReason: expect.stringContaining(`#${newest.number} is newer`),
  });
  await agent.run(offers(first.id)[0]!, none);
  await expect.poll(() => offers(newest.id).length).toBe(1);
  await agent.run(offers(newest.id)[0]!, none);
  await settled();
  expect(await get(newest.id)).toMatchObject({ state: "succeeded" });
});

test("a pause holds what runs before its next step and offers nothing; resumed it goes on", async () => {
  const away = await FakeAgent.make(t, "away");
  const { id } = await execute(t, "plain", ["web-1", "away"]);
  await pauseExecution(t.ctx, tester, id);
  expect(agent.desires.at(-1)).toMatchObject({ want: "hold", assignmentId: offers(id)[0]!.assignmentId });
  await away.connect();
  await t.ctx.automation.dispatcher.poll();
  await settled();
  expect(offers(id, away)).toEqual([]);
  await agent.say(offers(id)[0]!, { kind: "accepted" }, starting(), started(), finishedTry(none), finishedStep());
  expect(await get(id)).toMatchObject({ state: "paused", pausedBy: "tester" });
  await expect(pauseExecution(t.ctx, tester, id)).rejects.toThrow("is paused");
  await resumeExecution(t.ctx, tester, id);
  expect(agent.desires.at(-1)).toMatchObject({ want: "run", assignmentId: offers(id)[0]!.assignmentId });
  await expect.poll(() => offers(id, away).length).toBe(1);
  expect(await get(id)).toMatchObject({ state: "running", pausedAt: null });
  await cancelExecution(t.ctx, tester, { execution: id, reason: "" });
});

test("no batch begins in a pause, and the next one does after it", async () => {
  const other = await FakeAgent.connected(t, "web-2");
  const { id } = await execute(t, "staged", ["web-1", "web-2"]);
  await settled();
  await pauseExecution(t.ctx, tester, id);
  await agent.run(offers(id)[0]!, none);
  await settled();
  expect(offers(id, other)).toEqual([]);
  await resumeExecution(t.ctx, tester, id);
  await settled();
  await expect.poll(() => offers(id, other).length).toBe(1);
  await other.run(offers(id, other)[0]!, none);
  await settled();
  expect(await get(id)).toMatchObject({ state: "succeeded" });
});

test("what a person cancelled says so, although its steps had failed by themselves", async () => {
  const { id } = await execute(t, "plain", ["web-1"]);
  await cancelExecution(t.ctx, tester, { execution: id, reason: "" });
  await agent.run(offers(id)[0]!, none, "step-1", "failed");
  expect(await get(id)).toMatchObject({ state: "cancelled", counts: { failed: 1 } });
});
