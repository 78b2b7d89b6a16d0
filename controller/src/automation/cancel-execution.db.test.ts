import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { cancelExecution } from "./cancel-execution.ts";
import { getExecution } from "./get-execution.ts";
import { listAssignments } from "./list-assignments.ts";
import { FakeAgent, finishedStep, finishedTry, started, starting } from "./testing/fake-agent.ts";
import { execute, saveTestJob, tester } from "./testing/save-test-job.ts";

let t: TestContext;
beforeAll(async () => {
  t = await testContext();
  await saveTestJob(t, "long");
});
afterAll(() => t.close());

const cancel = (execution: string, reason = "") => cancelExecution(t.ctx, tester, { execution, reason });
const assignmentsOf = async (execution: string) =>
  (await listAssignments(t.ctx, tester, { execution, limit: 100 })).items;

test("what waits ends at once, with the state of its steps", async () => {
  await FakeAgent.make(t, "gone");
  const { id } = await execute(t, "long", ["gone"]);
  expect(await cancel(id, "not today")).toMatchObject({
    state: "cancelled",
    counts: { cancelled: 1 },
    cancelReason: "not today",
  });
  expect(await assignmentsOf(id)).toMatchObject([
    { state: "cancelled", stateReason: "cancelled by tester: not today", stepStates: ["cancelled"], desired: "run" },
  ]);
});

test("what an agent holds is asked to stop, and ends by the agent's word", async () => {
  const agent = await FakeAgent.connected(t, "holder");
  const { id } = await execute(t, "long", ["holder"]);
  const offer = agent.offers[0]!;
  await agent.say(offer, { kind: "accepted" }, starting(), started());
  expect(await cancel(id)).toMatchObject({ state: "running", cancelRequestedBy: "tester" });
  expect(agent.desires).toMatchObject([{ want: "cancel", fence: offer.fence, reason: "cancelled by tester" }]);
  expect(await assignmentsOf(id)).toMatchObject([{ state: "running", stateReason: "cancel requested" }]);
  const none = Buffer.alloc(0);
  await agent.say(offer, finishedTry(none, "step-1", "cancelled"), finishedStep("step-1", "cancelled"), {
    kind: "finished",
    state: "cancelled",
    reason: "",
  });
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "cancelled", counts: { cancelled: 1 } });
});

test("a step that ended before the word arrived keeps its true outcome", async () => {
  const agent = await FakeAgent.connected(t, "quick");
  const { id } = await execute(t, "long", ["quick"]);
  await agent.say(agent.offers[0]!, { kind: "accepted" }, starting(), started());
  await cancel(id);
  const none = Buffer.alloc(0);
  await agent.say(agent.offers[0]!, finishedTry(none), finishedStep(), {
    kind: "finished",
    state: "succeeded",
    reason: "",
  });
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "succeeded" });
});

test("while the agent is away the request stands, is shown as what it is, and is told at the return", async () => {
  const agent = await FakeAgent.connected(t, "flaky");
  const { id } = await execute(t, "long", ["flaky"]);
  const offer = agent.offers[0]!;
  await agent.say(offer, { kind: "accepted" }, starting(), started());
  await agent.disconnect();
  await cancel(id);
  expect(await assignmentsOf(id)).toMatchObject([
    {
      state: "running",
      unreachable: true,
      stateReason: "cancel requested; the agent is unreachable and will be told when it returns",
    },
  ]);
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "running", unreachable: 1 });
  agent.desires.length = 0;
  await agent.connect([{ ...offer, state: "running", lastSeq: 3n }]);
  expect(agent.desires).toMatchObject([{ want: "cancel", fence: offer.fence }]);
});

test("an offer that may not have arrived is not offered again, but cancelled by the agent's word", async () => {
  const agent = await FakeAgent.connected(t, "unheard");
  const { id } = await execute(t, "long", ["unheard"]);
  const offer = agent.offers[0]!;
  await agent.disconnect();
  await cancel(id);
  expect(await assignmentsOf(id)).toMatchObject([{ state: "offered" }]);
  await agent.connect([]);
  expect(agent.offers).toHaveLength(1);
  expect(agent.desires.at(-1)).toMatchObject({ want: "cancel", fence: offer.fence });
  await agent.say(offer, { kind: "tombstone", code: "cancelled" });
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "cancelled" });
});

test("asking again changes nothing, and a finished execution refuses", async () => {
  const agent = await FakeAgent.connected(t, "again");
  const { id } = await execute(t, "long", ["again"]);
  await agent.say(agent.offers[0]!, { kind: "accepted" });
  const first = await cancel(id, "first");
  expect(await cancel(id, "second")).toEqual(first);
  const [audit] = await t.ctx.sql`select count(*) as n, min(detail ->> 'reason') as reason from communication.audit
    where action = 'execution.cancelled' and object_id = ${id}`;
  expect(audit).toEqual({ n: 1n, reason: "first" });
  await agent.say(agent.offers[0]!, { kind: "finished", state: "cancelled", reason: "" });
  await expect(cancel(id)).rejects.toMatchObject({ code: "failed_precondition" });
});

test("a lost request is told again by the poll", async () => {
  const agent = await FakeAgent.connected(t, "deaf");
  const { id } = await execute(t, "long", ["deaf"]);
  await agent.say(agent.offers[0]!, { kind: "accepted" });
  await cancel(id);
  agent.desires.length = 0;
  await t.ctx.automation.dispatcher.poll();
  expect(agent.desires).toMatchObject([{ want: "cancel" }]);
});

test("cancels that race with ends and with offers leave one terminal state each and exact counts", async () => {
  const agents = await Promise.all(Array.from({ length: 20 }, (_, i) => FakeAgent.connected(t, `race-${i}`)));
  const names = agents.map((a) => a.name);
  const ids = await Promise.all(
    Array.from({ length: 6 }, async () => {
      const { id } = await execute(t, "long", names);
      const offers = agents.map((a) => a.offers.findLast((o) => o.executionId === id)!);
      const runs = agents.map((agent, i) => agent.run(offers[i]!, Buffer.from("x")));
      const cancelled = cancel(id).catch((error) => expect(error.code).toBe("failed_precondition"));
      await Promise.all([...runs, cancelled]);
      return id;
    }),
  );
  for (const id of ids) {
    const { state, counts } = await getExecution(t.ctx, tester, id);
    expect([state, counts]).toEqual(["succeeded", { succeeded: 20 }]);
  }
});
