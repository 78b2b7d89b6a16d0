import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestContext, testActor, testContext } from "../testing/test-context.ts";
import { createExecution } from "./create-execution.ts";
import { getExecution } from "./get-execution.ts";
import { listSteps } from "./list-steps.ts";
import { createJob } from "./save-job.ts";
import { FakeAgent } from "./testing/fake-agent.ts";

const actor = testActor();
let t: TestContext;
beforeAll(async () => {
  t = await testContext();
  await save("hello", "steps: [{ run: echo hello }]");
});
afterAll(() => t.close());

const save = (name: string, rest: string) =>
  createJob(t.ctx, actor, {
    definition: {
      bytes: Buffer.from(`apiVersion: opsconductor/v1\nkind: Job\nname: ${name}\n${rest}\n`),
      mediaType: "text/yaml",
    },
    message: "",
  });
const execute = (names: string[], more: object = {}) =>
  createExecution(t.ctx, actor, { job: "hello", inputs: {}, targets: { names }, reason: "", ...more });

test("check mode travels with the execution and its offers, and a repeated request must agree about it", async () => {
  const agent = await FakeAgent.connected(t, "a-check");
  const idempotencyKey = randomUUID();
  const execution = await execute(["a-check"], { check: true, idempotencyKey });
  expect(execution.check).toBe(true);
  expect(agent.offers[0]).toMatchObject({ check: true });
  await expect(execute(["a-check"], { idempotencyKey })).rejects.toThrow("used for another request");
  const plain = await execute(["a-check"]);
  expect([plain.check, agent.offers[1]!.check]).toEqual([false, false]);
});

test("a run of one step on a connected agent is offered at once and ends succeeded with its output", async () => {
  const agent = await FakeAgent.connected(t, "a1");
  const execution = await execute(["a1"]);
  expect(execution).toMatchObject({ state: "queued", targetCount: 1, counts: { offered: 1 } });
  const offer = agent.offers[0]!;
  await agent.run(offer, Buffer.from("hello\n"));
  const detail = await getExecution(t.ctx, actor, execution.id);
  expect(detail).toMatchObject({ state: "succeeded", counts: { succeeded: 1 }, unreachable: 0 });
  expect(detail.stages[0]).toMatchObject({ id: "main", state: "succeeded" });
  const { items } = await listSteps(t.ctx, actor, { execution: execution.id });
  expect(items).toMatchObject([{ state: "succeeded", tries: [{ exitCode: 0, storedBytes: 6, outputVerified: true }] }]);
  await expect.poll(() => agent.desires.at(-1)).toMatchObject({ want: "forget", fence: offer.fence });
});
