import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { abandonAssignment } from "./abandon-assignment.ts";
import { listAssignments } from "./list-assignments.ts";
import { readTimeline } from "./read-timeline.ts";
import { retryExecution } from "./retry-execution.ts";
import { FakeAgent } from "./testing/fake-agent.ts";
import { execute, saveTestJob, tester } from "./testing/save-test-job.ts";

let t: TestContext;
beforeAll(async () => {
  t = await testContext();
  await saveTestJob(t, "careful");
  await saveTestJob(t, "harmless", "steps: [{ run: echo hi, idempotent: true }]");
});
afterAll(() => t.close());

let made = 0;
const agents = async (count: number) =>
  await Promise.all(Array.from({ length: count }, () => FakeAgent.connected(t, `retried-${++made}`)));
const namesOf = async (execution: string) =>
  (await listAssignments(t.ctx, tester, { execution, limit: 10 })).items.map((a) => a.targetName);
const retry = (execution: string, more: Partial<Parameters<typeof retryExecution>[2]> = {}) =>
  retryExecution(t.ctx, tester, { execution, repeatLost: false, reason: "", ...more });

/** One target succeeded, the other is lost. */
async function halfLost(job: string) {
  const [good, gone] = await agents(2);
  const { id, number } = await execute(t, job, [good!.name, gone!.name]);
  await good!.run(good!.offers[0]!, Buffer.alloc(0));
  await gone!.say(gone!.offers[0]!, { kind: "accepted" });
  await gone!.disconnect();
  await abandonAssignment(t.ctx, tester, { execution: id, ...gone!.offers[0]!, reason: "burnt" });
  return { execution: id, number, good: good!, gone: gone! };
}

test("what failed is repeated as a new execution of the same version, on those targets only", async () => {
  const [good, bad] = await agents(2);
  const first = await execute(t, "careful", [good!.name, bad!.name], { inputs: {} });
  await good!.run(good!.offers[0]!, Buffer.alloc(0));
  await bad!.run(bad!.offers[0]!, Buffer.alloc(0), "step-1", "failed");
  const again = await retry(first.id, { reason: "fixed the disk" });
  expect(again).toMatchObject({
    jobVersion: first.jobVersion,
    triggerKind: "retry",
    targetCount: 1,
    retryOf: { id: first.id, number: first.number },
  });
  expect(await namesOf(again.id)).toEqual([bad!.name]);
  const { items } = await readTimeline(t.ctx, tester, { execution: first.id, limit: 10 });
  expect(items.find((e) => e.kind === "execution.retried")?.detail).toMatchObject({
    number: again.number,
    by: "tester",
    reason: "fixed the disk",
  });
});

test("a lost target is repeated only when a person says that it may run a second time", async () => {
  const { execution, gone } = await halfLost("careful");
  await expect(retry(execution)).rejects.toMatchObject({ code: "failed_precondition", message: /idempotent/ });
  const again = await retry(execution, { repeatLost: true });
  expect(await namesOf(again.id)).toEqual([gone.name]);
});

test("a lost target of a job that is idempotent throughout is repeated without a question", async () => {
  const { execution, gone } = await halfLost("harmless");
  expect(await namesOf((await retry(execution)).id)).toEqual([gone.name]);
});

test("one target is chosen by its assignment; one that has not ended, or is of another execution, is refused", async () => {
  const { execution, gone, good } = await halfLost("harmless");
  const assignmentId = gone.offers[0]!.assignmentId;
  expect(await namesOf((await retry(execution, { assignments: [assignmentId] })).id)).toEqual([gone.name]);
  const open = await execute(t, "harmless", [good.name]);
  const [running] = (await listAssignments(t.ctx, tester, { execution: open.id, limit: 1 })).items;
  await expect(retry(open.id, { assignments: [running!.id] })).rejects.toMatchObject({ message: /has not ended/ });
  await expect(retry(execution, { assignments: [running!.id] })).rejects.toMatchObject({ code: "unprocessable" });
  await expect(retry(open.id)).rejects.toMatchObject({ message: /nothing to retry/ });
});

test("the rest is known when all has ended, and is not chosen by hand", async () => {
  const [good] = await agents(1);
  const { id } = await execute(t, "careful", [good!.name]);
  await expect(retry(id, { take: "rest" })).rejects.toMatchObject({ message: /has not ended/ });
  await good!.run(good!.offers[0]!, Buffer.alloc(0));
  await expect(retry(id, { take: "rest" })).rejects.toMatchObject({ message: /nothing is left/ });
  const { assignmentId } = good!.offers[0]!;
  const both = retry(id, { take: "rest", assignments: [assignmentId] });
  await expect(both).rejects.toMatchObject({ message: /not both/ });
});

test("asking twice with one key makes one execution", async () => {
  const { execution } = await halfLost("harmless");
  const [a, b] = [await retry(execution, { idempotencyKey: "k" }), await retry(execution, { idempotencyKey: "k" })];
  expect(a.id).toBe(b.id);
});
