import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestContext, testActor, testContext } from "../testing/test-context.ts";
import { getApproval, listApprovals } from "./approvals.ts";
import { cancelExecution } from "./cancel-execution.ts";
import { decideApproval } from "./decide-approval.ts";
import { getExecution } from "./get-execution.ts";
import { FakeAgent } from "./testing/fake-agent.ts";
import { execute, saveTestJob, tester } from "./testing/save-test-job.ts";

let t: TestContext;
let agent: FakeAgent;
beforeAll(async () => {
  t = await testContext();
  agent = await FakeAgent.connected(t, "web-1");
  await FakeAgent.connected(t, "web-2");
  await saveTestJob(t, "guarded", "approval: { required: 2 }\nsteps: [{ run: reboot }]");
  await saveTestJob(t, "managed", "approval: { by: [role:boss, user:eve] }\nsteps: [{ run: reboot }]");
});
afterAll(() => t.close());

const offers = (id: string) => agent.offers.filter((offer) => offer.executionId === id);
const stateOf = async (id: string) => (await getExecution(t.ctx, tester, id)).state;

async function decide(actor: ReturnType<typeof testActor>, id: string, decision: "approve" | "reject" = "approve") {
  const { contentSha256 } = await getApproval(t.ctx, actor, id);
  return await decideApproval(t.ctx, actor, { execution: id, decision, comment: "because", contentSha256 });
}

test("nothing is offered before enough different people have approved; the same person counts once", async () => {
  const { id } = await execute(t, "guarded", ["web-1"]);
  await t.ctx.automation.flows.poll();
  expect(await stateOf(id)).toBe("awaiting_approval");
  const [one, two] = [testActor(), testActor()];
  await decide(one, id);
  await expect(decide(one, id)).rejects.toThrow("decided already");
  expect(offers(id)).toEqual([]);
  expect(await getApproval(t.ctx, two, id)).toMatchObject({ approvals: 1, required: 2, mayDecide: true });
  await decide(two, id);
  await expect.poll(() => offers(id).length).toBe(1);
  await agent.run(offers(id)[0]!, Buffer.from(""));
  await t.ctx.automation.flows.idle();
  expect(await stateOf(id)).toBe("succeeded");
  const audit = await t.ctx.sql`select action from communication.audit where object_id = ${id} order by id`;
  expect(audit.map((row) => row.action)).toEqual(["execution.created", "approval.approved", "approval.approved"]);
});

test("whoever asked cannot approve it, nor somebody whom the job does not name", async () => {
  const { id } = await execute(t, "guarded", ["web-1"]);
  await expect(decide(tester, id)).rejects.toThrow("asked for this execution yourself");
  const other = await execute(t, "managed", ["web-1"]);
  await expect(decide(testActor(), other.id)).rejects.toThrow("only these decide: role:boss, user:eve");
  const reader = testActor("executions:read", "approvals:decide");
  await t.ctx.sql`insert into identity.users (id, username) values (${reader.id}, 'eve')`;
  await decide(reader, other.id);
  expect(await stateOf(other.id)).not.toBe("awaiting_approval");
  const token = {
    id: "t",
    name: "ci",
    scopes: new Set<string>(),
    owner: { permissions: new Set<never>(), grants: [] },
    expiresAt: null,
  };
  await expect(decide({ ...testActor(), token }, id)).rejects.toThrow("a token cannot");
});

test("a workflow is no way past the approval of a job that it calls, unless it asks for one itself", async () => {
  const stages = "stages: { all: { job: guarded } }";
  await saveTestJob(t, "around", stages);
  await expect(execute(t, "around", ["web-1"])).rejects.toThrow(
    "guarded asks for approval, and around, which calls it, does not",
  );
  await saveTestJob(t, "agreed", `approval: { required: 1 }\n${stages}`);
  const { id } = await execute(t, "agreed", ["web-1"]);
  expect(await stateOf(id)).toBe("awaiting_approval");
});

test("decisions at the same moment count one by one, and begin it once", async () => {
  const { id } = await execute(t, "guarded", ["web-1"]);
  const people = Array.from({ length: 6 }, () => testActor());
  const { contentSha256 } = await getApproval(t.ctx, people[0]!, id);
  const params = { execution: id, decision: "approve" as const, comment: "", contentSha256 };
  const results = await Promise.allSettled(people.map((actor) => decideApproval(t.ctx, actor, params)));
  expect(results.filter((r) => r.status === "fulfilled")).toHaveLength(2);
  await expect.poll(() => offers(id).length).toBe(1);
});

test("a rejection ends it with the comment, and so does the end of its time", async () => {
  const rejected = await execute(t, "guarded", ["web-1"]);
  await decide(testActor(), rejected.id, "reject");
  expect(await getExecution(t.ctx, tester, rejected.id)).toMatchObject({
    state: "cancelled",
    stateReason: "rejected by tester: because",
    counts: { cancelled: 1 },
  });
  const late = await execute(t, "guarded", ["web-1"]);
  await t.ctx
    .sql`update automation.approvals set expires_at = now() - interval '1 hour' where execution_id = ${late.id}`;
  await t.ctx.sql`update automation.executions set due_at = now() - interval '1 hour' where id = ${late.id}`;
  await t.ctx.automation.flows.poll();
  expect(await getExecution(t.ctx, tester, late.id)).toMatchObject({
    state: "cancelled",
    stateReason: "not approved in time",
  });
});

test("a decision is about what was looked at: a change of a target makes earlier ones void", async () => {
  const { id } = await execute(t, "guarded", ["web-1", "web-2"]);
  const [one, two] = [testActor(), testActor()];
  const seen = await getApproval(t.ctx, two, id);
  await decide(one, id);
  await t.ctx.sql`update assets.targets set name = 'web-two' where name = 'web-2'`;
  const params = { execution: id, decision: "approve" as const, comment: "", contentSha256: seen.contentSha256 };
  await expect(decideApproval(t.ctx, two, params)).rejects.toThrow("has changed since you read it");
  await decide(two, id);
  expect(await getApproval(t.ctx, one, id)).toMatchObject({
    approvals: 1,
    mayDecide: true,
    decisions: [{ counts: false }, { counts: true }],
  });
  await cancelExecution(t.ctx, tester, { execution: id, reason: "" });
  expect(await stateOf(id)).toBe("cancelled");
  await t.ctx.sql`update assets.targets set name = 'web-2' where name = 'web-two'`;
});

test("the list has what waits, and what was decided", async () => {
  const { id } = await execute(t, "guarded", ["web-2"]);
  const waiting = await listApprovals(t.ctx, tester, { state: "waiting", limit: 50 });
  expect(waiting.items.map((item) => item.execution.id)).toContain(id);
  const decided = await listApprovals(t.ctx, tester, { state: "decided", limit: 50 });
  expect(decided.items.map((item) => item.outcome)).toContain("rejected");
});
