import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { getApproval } from "./approvals.ts";
import { cancelExecution } from "./cancel-execution.ts";
import { decideApproval } from "./decide-approval.ts";
import { getExecution } from "./get-execution.ts";
import { listAssignments } from "./list-assignments.ts";
import { pauseExecution } from "./pause-execution.ts";
import { retryExecution } from "./retry-execution.ts";
import { FakeAgent, finishedStep, finishedTry, started, starting } from "./testing/fake-agent.ts";
import { execute, saveTestJob, tester } from "./testing/save-test-job.ts";

let t: TestContext;
let web: FakeAgent;
let away: FakeAgent;
const start = Date.now();
beforeAll(async () => {
  t = await testContext();
  web = await FakeAgent.connected(t, "web");
  away = await FakeAgent.make(t, "away");
});
afterAll(() => t.close());

const none = Buffer.from("");
const own = { targets: undefined };
const get = (id: string) => getExecution(t.ctx, tester, id);
const stagesOf = async (id: string) => Object.fromEntries((await get(id)).stages.map((s) => [s.id, s.state]));
const offered = async (id: string, agent = web, stage = 0) => {
  await expect
    .poll(() => agent.offers.filter((offer) => offer.executionId === id).length, { timeout: 15_000 })
    .toBe(stage + 1);
  return agent.offers.filter((offer) => offer.executionId === id)[stage]!;
};
const content = async (id: string) => (await getApproval(t.ctx, tester, id)).contentSha256;
/** `minutes` after the beginning of this file, as every controller's clock says. */
async function at(minutes: number): Promise<void> {
  t.setNow(new Date(start + minutes * 60_000));
  await t.ctx.automation.flows.poll();
}
/** The agent was told to stop, and did. */
async function stops(id: string, stage = 0): Promise<void> {
  const offer = await offered(id, web, stage);
  const told = () => web.desires.filter((one) => one.assignmentId === offer.assignmentId && one.want === "cancel");
  await expect.poll(() => told().length, { timeout: 15_000 }).toBeGreaterThan(0);
  const last = { kind: "finished", state: "cancelled", reason: "" } as const;
  const ended = [finishedTry(none, "step-1", "cancelled"), finishedStep("step-1", "cancelled"), last];
  await web.say(offer, { kind: "accepted" }, starting(), started(), ...ended);
  await t.ctx.automation.flows.idle();
}

test("past its deadline nothing more of an execution begins, what runs is stopped, and it has timed out", async () => {
  await at(0);
  await saveTestJob(
    t,
    "nightly",
    `deadline: 30m
stages:
  load: { targets: { names: [web, away] }, steps: [{ run: load }] }
  tidy: { needs: [load], if: always(), targets: { names: [web] }, steps: [{ run: tidy }] }`,
  );
  const { id } = await execute(t, "nightly", [], own);
  await offered(id);
  expect((await get(id)).deadlineAt).toBe(new Date(start + 30 * 60_000).toISOString());
  await at(29);
  expect(await get(id)).toMatchObject({ counts: { queued: 2, offered: 1 }, stateReason: null });
  await at(31);
  expect(await stagesOf(id)).toEqual({ load: "running", tidy: "skipped" });
  await stops(id);
  expect(await get(id)).toMatchObject({
    state: "timed_out",
    counts: { timed_out: 1, skipped: 2 },
    stateReason: expect.stringContaining("deadline"),
  });
  expect(await stagesOf(id)).toEqual({ load: "timed_out", tidy: "skipped" });
  const { items } = await listAssignments(t.ctx, tester, { execution: id, limit: 10 });
  expect(items.find((a) => a.targetName === "away")).toMatchObject({
    stateReason: expect.stringContaining("deadline"),
  });
  expect(away.offers).toEqual([]);
});

test("a stage past its deadline has timed out, and what asks for failure() follows", async () => {
  await at(100);
  await saveTestJob(
    t,
    "staged",
    `stages:
  load: { deadline: 5m, targets: { names: [web] }, rollout: { batch: 1, pause: 1h }, steps: [{ run: load }] }
  next: { needs: [load], targets: { names: [web] }, steps: [{ run: next }] }
  undo: { needs: [load], if: failure(), targets: { names: [web] }, steps: [{ run: undo }] }`,
  );
  const { id } = await execute(t, "staged", [], own);
  await offered(id);
  await at(106);
  await stops(id);
  expect(await stagesOf(id)).toEqual({ load: "timed_out", next: "skipped", undo: "running" });
  await web.run(await offered(id, web, 1), none);
  await expect.poll(() => get(id), { timeout: 15_000 }).toMatchObject({ state: "timed_out" });
});

test("waiting for approval does not count, a pause does, and an agent that is away keeps the execution open", async () => {
  await at(200);
  await saveTestJob(t, "careful", "deadline: 10m\napproval: { notRequester: false }\nsteps: [{ run: x }]");
  const { id } = await execute(t, "careful", ["web"]);
  await at(260);
  expect(await get(id)).toMatchObject({ state: "awaiting_approval", deadlineAt: null });
  await decideApproval(t.ctx, tester, {
    execution: id,
    decision: "approve",
    comment: "",
    contentSha256: await content(id),
  });
  await offered(id);
  await pauseExecution(t.ctx, tester, id);
  await at(271);
  expect(await get(id)).toMatchObject({ state: "paused", counts: { offered: 1 } });
  await stops(id);
  expect(await get(id)).toMatchObject({ state: "timed_out" });
});

test("what succeeded in time stays so, and after a cancel no deadline counts", async () => {
  await at(300);
  await saveTestJob(t, "short", "deadline: 10m\nsteps: [{ run: x }]");
  const good = await execute(t, "short", ["web"]);
  await web.run(await offered(good.id), none);
  const cancelled = await execute(t, "short", ["web"]);
  await offered(cancelled.id);
  await cancelExecution(t.ctx, tester, { execution: cancelled.id, reason: "" });
  await at(320);
  await stops(cancelled.id);
  expect(await get(good.id)).toMatchObject({ state: "succeeded" });
  await expect.poll(() => get(cancelled.id), { timeout: 15_000 }).toMatchObject({ state: "cancelled" });
});

test("a workflow that was cancelled goes on from there with the same inputs, and asks for approval again", async () => {
  await at(400);
  await saveTestJob(
    t,
    "resumable",
    `inputs: { v: { type: string, default: one } }
approval: { notRequester: false }
stages:
  build: { targets: { names: [web] }, steps: [{ run: make }] }
  deploy: { needs: [build], targets: { names: [web] }, steps: [{ run: deploy }] }`,
  );
  const approve = async (id: string) =>
    await decideApproval(t.ctx, tester, {
      execution: id,
      decision: "approve",
      comment: "",
      contentSha256: await content(id),
    });
  const first = await execute(t, "resumable", [], { ...own, inputs: { v: "two" } });
  await approve(first.id);
  await web.run(await offered(first.id), none);
  await offered(first.id, web, 1);
  await cancelExecution(t.ctx, tester, { execution: first.id, reason: "not now" });
  await stops(first.id, 1);
  await expect.poll(() => get(first.id), { timeout: 15_000 }).toMatchObject({ state: "cancelled" });
  const { id } = await retryExecution(t.ctx, tester, { execution: first.id, repeatLost: false, reason: "" });
  expect(await get(id)).toMatchObject({ state: "awaiting_approval", inputs: { v: "two" }, retryOf: { id: first.id } });
  expect(web.offers.filter((offer) => offer.executionId === id)).toEqual([]);
  await approve(id);
  const offer = await offered(id);
  expect(offer.stageId).toBe("deploy");
  await web.run(offer, none);
  await expect.poll(() => get(id), { timeout: 15_000 }).toMatchObject({ state: "succeeded" });
});
