import { afterAll, beforeAll, expect, test } from "vitest";
import { currentPlace } from "../fleet/database-mark.ts";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { getExecution } from "./get-execution.ts";
import { listAssignments } from "./list-assignments.ts";
import { readTimeline } from "./read-timeline.ts";
import { type AttemptAddress, FakeAgent, finishedStep, finishedTry, started, starting } from "./testing/fake-agent.ts";
import { execute, saveTestJob, tester } from "./testing/save-test-job.ts";

let t: TestContext;
beforeAll(async () => {
  t = await testContext();
  await saveTestJob(t, "one");
});
afterAll(() => t.close());

let made = 0;
/** Queued when the backup was made: the agent was away. What it did since, only it knows. */
async function queued() {
  const agent = await FakeAgent.make(t, `restored-${++made}`);
  const { id } = await execute(t, "one", [agent.name]);
  const [row] = (await listAssignments(t.ctx, tester, { execution: id, limit: 1 })).items;
  return { agent, execution: id, assignmentId: row!.id };
}
const stateOf = async (execution: string) => (await listAssignments(t.ctx, tester, { execution, limit: 1 })).items[0]!;
const pause = (paused: boolean) =>
  t.ctx.sql`update fleet.cluster set dispatch_paused_at = ${paused ? new Date() : null}`;
const accept = () => t.ctx.sql`update fleet.cluster set generation = generation + 1, restored_at = ${new Date()}`;
const fenceOf = async (low: bigint) => {
  const [{ generation }] = await t.ctx.sql<[{ generation: number }]>`select generation from fleet.cluster`;
  return (BigInt(generation) << 40n) | low;
};

test("while dispatch is paused nothing is offered, neither what is created nor what waits", async () => {
  const agent = await FakeAgent.connected(t, "idle");
  await pause(true);
  const { id } = await execute(t, "one", ["idle"]);
  await t.ctx.automation.dispatcher.poll();
  await t.ctx.automation.dispatcher.idle();
  expect(await stateOf(id)).toMatchObject({ state: "queued" });
  await pause(false);
  await t.ctx.automation.dispatcher.poll();
  await expect.poll(() => agent.offers.length, { timeout: 5000 }).toBe(1);
});

test("after a start of PostgreSQL that nobody has looked at nothing is offered", async () => {
  const agent = await FakeAgent.connected(t, "unlooked");
  await t.ctx.sql`update fleet.cluster set life_started_at = '2000-01-01'`;
  await execute(t, "one", ["unlooked"]);
  expect(agent.offers).toEqual([]);
  await t.ctx.sql`delete from fleet.database_lives`;
  await currentPlace(t.ctx);
  await t.ctx.automation.dispatcher.poll();
  await expect.poll(() => agent.offers.length, { timeout: 5000 }).toBe(1);
});

test("what an agent still holds of the lost history becomes the attempt here, and its outcome comes back", async () => {
  const { agent, execution, assignmentId } = await queued();
  const held: AttemptAddress = { assignmentId, attempt: 1, fence: await fenceOf(999_999n) };
  await accept();
  agent.history = "lost";
  const replies = await agent.connect([{ ...held, state: "succeeded", lastSeq: 6n }]);
  expect(replies).toEqual([{ kind: "ack", fence: held.fence, seq: 0n }]);
  expect(agent.offers).toEqual([]);
  await agent.say(held, { kind: "accepted" }, starting(), started(), finishedTry(Buffer.alloc(0)), finishedStep(), {
    ...{ kind: "finished", state: "succeeded", reason: "" },
  } as never);
  expect(await getExecution(t.ctx, tester, execution)).toMatchObject({ state: "succeeded", counts: { succeeded: 1 } });
  const { items } = await readTimeline(t.ctx, tester, { execution, limit: 10 });
  expect(items.map((e) => e.kind)).toContain("assignment.recovered");
});

test("what was queued before the restore, on an agent that was there in the lost history, is not started again", async () => {
  const { agent, execution } = await queued();
  await accept();
  const { id: later } = await execute(t, "one", [agent.name]);
  agent.history = "lost";
  await agent.connect([]);
  await t.ctx.automation.dispatcher.idle();
  expect(await stateOf(execution)).toMatchObject({ state: "lost", stateReason: /restored from an older backup/ });
  expect(await getExecution(t.ctx, tester, execution)).toMatchObject({ state: "failed" });
  await expect.poll(() => agent.offers.length, { timeout: 5000 }).toBe(1);
  expect(agent.offers[0]!.executionId).toBe(later); // created after the restore: certainly not run
});

test("an agent that never heard of the lost history gets what was queued for it", async () => {
  const { agent, execution } = await queued();
  await accept();
  await agent.connect([]);
  await expect.poll(() => agent.offers.length, { timeout: 5000 }).toBe(1);
  expect(agent.offers[0]!.executionId).toBe(execution);
});

test("while a person has not accepted, nothing that only the agent knows is forgotten or decided", async () => {
  const { agent, assignmentId, execution } = await queued();
  const held: AttemptAddress = { assignmentId, attempt: 1, fence: await fenceOf(888_888n) };
  agent.history = "paused";
  agent.takesWork = false;
  await agent.connect([{ ...held, state: "succeeded", lastSeq: 3n }]);
  await agent.say(held, { kind: "accepted" }, starting());
  await t.ctx.automation.dispatcher.idle();
  expect(agent.desires).toEqual([]);
  expect(await stateOf(execution)).toMatchObject({ state: "queued" });
});
