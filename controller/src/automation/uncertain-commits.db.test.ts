// A commit whose answer was lost: what it wrote is there, and the work goes on as if it had been answered.
import type { PassingMessage } from "@opsconductor/database/testing/postgres-proxy";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { getExecution } from "./get-execution.ts";
import { FakeAgent } from "./testing/fake-agent.ts";
import { execute, saveTestJob, tester } from "./testing/save-test-job.ts";

const text = Buffer.from("done\n");
let t: TestContext;
/** Cuts once. */
let cutAt: ((message: PassingMessage) => boolean) | undefined;
beforeAll(async () => {
  t = await testContext({}, (message) => {
    if (!cutAt?.(message)) return "pass";
    cutAt = undefined;
    return "cut";
  });
  await saveTestJob(t, "work");
});
beforeEach(() => {
  cutAt = undefined;
});
afterAll(() => t.close());

/** With nothing of its hello under way, whose commit would be the one that is cut. */
async function connected(name: string): Promise<FakeAgent> {
  const agent = await FakeAgent.connected(t, name);
  await t.ctx.automation.dispatcher.idle();
  return agent;
}

const answerOfCommit = (m: PassingMessage) => m.tag === "COMMIT";
const commitItself = (m: PassingMessage) => m.from === "client" && m.type === "E" && m.statement === "commit";

test("an execution whose commit was not answered is offered to the agent that stays connected, once", async () => {
  const agent = await connected("stays");
  cutAt = answerOfCommit;
  await expect(execute(t, "work", ["stays"], { idempotencyKey: "k" })).rejects.toMatchObject({ outcome: "unknown" });
  await expect.poll(() => agent.offers.length).toBe(1);
  const again = await execute(t, "work", ["stays"], { idempotencyKey: "k" });
  await agent.run(agent.offers[0]!, text);
  expect(await getExecution(t.ctx, tester, again.id)).toMatchObject({ state: "succeeded", targetCount: 1 });
  expect(agent.offers).toHaveLength(1);
});

test("an execution whose commit did not arrive does not exist, and the same request makes it", async () => {
  const agent = await connected("undone");
  cutAt = commitItself;
  await expect(execute(t, "work", ["undone"], { idempotencyKey: "u" })).rejects.toMatchObject({ outcome: "unknown" });
  await t.ctx.automation.dispatcher.idle();
  expect(agent.offers).toEqual([]);
  await execute(t, "work", ["undone"], { idempotencyKey: "u" });
  expect(agent.offers).toHaveLength(1);
});

test("no forget reaches an agent before the offers of a commit that nobody answered", async () => {
  const agent = await connected("order");
  await execute(t, "work", ["order"]);
  cutAt = answerOfCommit;
  await expect(execute(t, "work", ["order"])).rejects.toMatchObject({ outcome: "unknown" });
  const [first] = agent.offers;
  t.ctx.automation.dispatcher.desire(agent.id, {
    ...{ assignmentId: first!.assignmentId, attempt: first!.attempt, fence: first!.fence, reason: "" },
    ...{ want: "forget", releaseThroughStep: 0 },
  });
  expect(agent.desires).toEqual([]);
  await expect.poll(() => agent.desires.length).toBe(1);
  expect(agent.offers.map((o) => o.fence).filter((fence) => fence > first!.fence)).toHaveLength(1);
});

test("queued work that was claimed by a commit nobody answered is offered all the same", async () => {
  const agent = await FakeAgent.make(t, "claimed");
  const { id } = await execute(t, "work", ["claimed"]);
  await agent.openSession();
  cutAt = answerOfCommit;
  t.ctx.automation.dispatcher.wake([agent.id]);
  await expect.poll(() => agent.offers.length).toBe(1);
  await agent.run(agent.offers[0]!, text);
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "succeeded" });
});
