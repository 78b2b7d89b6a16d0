import { parseSelector } from "@opsconductor/contract/job/selector";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestContext, testActor, testContext } from "../testing/test-context.ts";
import { countApprovals, getApproval, listApprovals } from "./approvals.ts";
import { cancelExecution } from "./cancel-execution.ts";
import { decideApproval } from "./decide-approval.ts";
import { getExecution } from "./get-execution.ts";
import { planExecution } from "./plan-execution.ts";
import { FakeAgent } from "./testing/fake-agent.ts";
import { execute, saveTestJob, tester } from "./testing/save-test-job.ts";

let t: TestContext;
let agent: FakeAgent;
beforeAll(async () => {
  t = await testContext();
  agent = await FakeAgent.connected(t, "web-1");
  await FakeAgent.connected(t, "web-2");
  await saveTestJob(t, "guarded", "approval: { required: 2 }\nsteps: [{ run: reboot }]");
  await saveTestJob(t, "callee", "inputs: { url: { type: string, default: x } }\nsteps: [{ run: curl }]");
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

/** What is told of an approval that is decided: the same for ever. */
async function recorded(id: string) {
  const { contentSha256, stages, approvals, outcome, decisions } = await getApproval(t.ctx, tester, id);
  return { contentSha256, stages, approvals, outcome, counts: decisions.map(({ counts }) => counts) };
}

test.each([
  ["a job", "inputs: { v: { type: string, default: one } }\nsteps: [{ run: one }]"],
  [
    "a workflow with a matrix and a called job",
    `inputs: { v: { type: string, default: one } }
stages:
  build: { steps: [{ run: make }] }
  each: { needs: [build], matrix: { x: [a, b] }, steps: [{ run: each }] }
  call: { needs: [each], job: callee, inputs: { url: "\${{ inputs.v }}-\${{ execution.number }}" } }`,
  ],
])("what was agreed to stays what it was when %s begins, ends, and its targets are renamed", async (name, text) => {
  const job = `kept-${name.replaceAll(" ", "-")}`;
  await saveTestJob(t, job, `approval: { required: 1 }\n${text}`);
  const { id } = await execute(t, job, ["web-1"]);
  const before = await recorded(id);
  const answer = await decide(testActor(), id);
  const agreed = { ...before, approvals: 1, outcome: "approved", counts: [true] };
  expect(answer).toMatchObject({ contentSha256: before.contentSha256, approvals: 1, decisions: [{ counts: true }] });
  expect(await recorded(id)).toEqual(agreed);
  for (let done = 0; !(await getExecution(t.ctx, tester, id)).finishedAt; done++) {
    await expect.poll(() => offers(id).length).toBeGreaterThan(done);
    await agent.run(offers(id)[done]!, Buffer.from(""));
    await t.ctx.automation.flows.idle();
  }
  expect(await stateOf(id)).toBe("succeeded");
  await t.ctx.sql`update assets.targets set name = 'web-one' where name = 'web-1'`;
  expect(await recorded(id)).toEqual(agreed);
  await t.ctx.sql`update assets.targets set name = 'web-1' where name = 'web-one'`;
  const { items } = await listApprovals(t.ctx, tester, { state: "decided", limit: 50 });
  expect(items.find((item) => item.execution.id === id)).toMatchObject({ approvals: 1, outcome: "approved" });
});

test.each([
  ["rejected", async (id: string) => void (await decide(testActor(), id, "reject"))],
  ["cancelled", async (id: string) => void (await cancelExecution(t.ctx, tester, { execution: id, reason: "" }))],
  [
    "expired",
    async (id: string) => {
      await t.ctx
        .sql`update automation.approvals set expires_at = now() - interval '1 hour' where execution_id = ${id}`;
      await t.ctx.sql`update automation.executions set due_at = now() - interval '1 hour' where id = ${id}`;
      await t.ctx.automation.flows.poll();
    },
  ],
])("one that is %s keeps what it was about, and who had agreed to that", async (outcome, end) => {
  const { id } = await execute(t, "guarded", ["web-1"]);
  await decide(testActor(), id);
  const before = await recorded(id);
  await end(id);
  await t.ctx.sql`update assets.targets set name = 'web-one' where name = 'web-1'`;
  const counts = outcome === "rejected" ? [true, true] : [true];
  expect(await recorded(id)).toEqual({ ...before, outcome, approvals: 1, counts });
  await t.ctx.sql`update assets.targets set name = 'web-1' where name = 'web-one'`;
  const { items } = await listApprovals(t.ctx, tester, { state: "decided", limit: 50 });
  expect(items.find((item) => item.execution.id === id)).toMatchObject({ approvals: 1, outcome });
});

test("a decision is about what was looked at: a change of a target makes earlier ones void", async () => {
  const { id } = await execute(t, "guarded", ["web-1", "web-2"]);
  const [one, two] = [testActor(), testActor()];
  const seen = await getApproval(t.ctx, two, id);
  await decide(one, id);
  await t.ctx.sql`update assets.targets set name = 'web-two' where name = 'web-2'`;
  const { items } = await listApprovals(t.ctx, tester, { state: "waiting", limit: 50 });
  expect(items.find((item) => item.execution.id === id)).toMatchObject({ approvals: 0 });
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

test("the count is what the caller may decide, and of that what the caller has not decided", async () => {
  const eve = { ...testActor("executions:read", "approvals:decide"), name: "paula" };
  await t.ctx.sql`insert into identity.users (id, username) values (${eve.id}, 'paula')`;
  await saveTestJob(t, "by-paula", "approval: { by: [user:Paula], required: 2 }\nsteps: [{ run: x }]");
  const waiting = async (actor = eve) => (await countApprovals(t.ctx, actor)).waiting;
  // Everything that waits already, for whoever may.
  const before = await waiting();
  const named = await execute(t, "by-paula", ["web-1"]);
  const own = await execute(t, "guarded", ["web-1"], {}, { ...testActor(), id: eve.id });
  expect(await waiting()).toBe(before + 1);
  expect((await getApproval(t.ctx, eve, own.id)).mayDecide).toBe(false);
  expect(await waiting(testActor())).toBe(before + 1); // the one that eve asked for, and not that which names her
  await decide(eve, named.id);
  expect(await waiting()).toBe(before);
  await t.ctx.sql`update assets.targets set name = 'web-one' where name = 'web-1'`;
  expect(await waiting()).toBe(before + 1); // it is another content now
  await t.ctx.sql`update assets.targets set name = 'web-1' where name = 'web-one'`;
  await cancelExecution(t.ctx, tester, { execution: named.id, reason: "" });
  expect(await waiting()).toBe(before);
  expect(await waiting(testActor("executions:read"))).toBe(0);
  const token = { ...{ id: "t", name: "ci", scopes: new Set<string>() }, expiresAt: null };
  const owner = { permissions: new Set<never>(), grants: [] };
  expect(await waiting({ ...eve, token: { ...token, owner } })).toBe(0);
  const late = await execute(t, "guarded", ["web-1"]);
  expect(await waiting()).toBe(before + 1);
  // Held, so that what ends executions whose time is over cannot pass between.
  await t.ctx.sql.begin(async (tx) => {
    await tx`select from automation.executions where id = ${late.id} for update`;
    await t.ctx
      .sql`update automation.approvals set expires_at = now() - interval '1 hour' where execution_id = ${late.id}`;
    expect(await waiting()).toBe(before);
    expect(await getApproval(t.ctx, eve, late.id)).toMatchObject({
      ...{ mayDecide: false, whyNot: "The time to approve this is over." },
    });
  });
});

test("who has the right on a part of the targets is not asked about the rest", async () => {
  const rights = (...names: string[]) => names.map((name) => `name=${name}`).join(" or ");
  const scoped = (select: string) => ({
    ...testActor("executions:read"),
    grants: [
      {
        ...{ id: "g", ownExecutions: false, lockedInputs: {} },
        permissions: new Set(["approvals:decide" as const]),
        scope: { kind: "selector" as const, selector: parseSelector(select) },
      },
    ],
  });
  const waiting = async (select: string) => (await countApprovals(t.ctx, scoped(select))).waiting;
  const [one, both] = [rights("web-1"), rights("web-1", "web-2")];
  const before = { one: await waiting(one), both: await waiting(both) };
  const { id } = await execute(t, "guarded", ["web-1", "web-2"]);
  expect(await waiting(one)).toBe(before.one);
  expect(await waiting(both)).toBe(before.both + 1);
  await expect(decide(scoped(one), id)).rejects.toThrow("does not reach all targets");
});

test("when too few people can approve, the plan, the execution and the approval say so and name whom to ask", async () => {
  await saveTestJob(t, "careful", "approval: { required: 2 }\nsteps: [{ run: reboot }]");
  const [owner] = await t.ctx.sql<{ id: string }[]>`
    insert into identity.users (id, username) values (${t.ctx.newId()}, 'olga') returning id`;
  const roles = await t.ctx.sql<{ id: string; name: string }[]>`
    insert into identity.roles (id, name, permissions) values (${t.ctx.newId()}, 'chief', '{*}'),
      (${t.ctx.newId()}, 'approver', '{executions:read,approvals:decide}') returning id, name`;
  const role = (name: string) => roles.find((each) => each.name === name)!.id;
  await t.ctx.sql`insert into identity.user_roles (user_id, role_id) values (${owner!.id}, ${role("chief")})`;
  const olga = { ...testActor(), id: owner!.id, name: "olga" };
  const request = { job: "careful", inputs: {}, targets: { names: ["web-1", "web-2"] }, reason: "", check: false };
  const plan = async () => (await planExecution(t.ctx, olga, request)).approval;
  const ask = "Ask olga to let somebody else decide (approvals:decide, over all of its targets).";
  expect(await plan()).toEqual({
    ...{ required: 2, by: null, notRequester: true },
    problem: `2 people must still approve this before it runs, and nobody can. Whoever asks does not count. ${ask}`,
  });
  const { id } = await execute(t, "careful", ["web-1", "web-2"], {}, olga);
  const add = async (name: string, grant?: string) => {
    const user = t.ctx.newId();
    await t.ctx.sql`insert into identity.users (id, username) values (${user}, ${name})`;
    if (grant === undefined)
      await t.ctx.sql`insert into identity.user_roles (user_id, role_id) values (${user}, ${role("approver")})`;
    else
      await t.ctx.sql`insert into identity.grants (id, user_id, role_id, scope, selector, created_at)
        values (${t.ctx.newId()}, ${user}, ${role("approver")}, 'selector', ${grant}, now())`;
    return user;
  };
  const ada = await add("ada");
  await add("ben", "name=web-1");
  await t.ctx.sql`insert into identity.users (id, username, active) values (${t.ctx.newId()}, 'gone', false)`;
  const one = `2 people must still approve this before it runs, and only ada can. Whoever asks does not count. ${ask}`;
  expect((await plan())!.problem).toBe(one);
  expect((await getExecution(t.ctx, olga, id)).approvalProblem).toBe(one);
  expect((await getApproval(t.ctx, olga, id)).problem).toBe(one);
  const reader = { ...testActor("executions:read", "approvals:decide"), id: ada, name: "ada" };
  await decide(reader, id);
  expect((await getExecution(t.ctx, olga, id)).approvalProblem).toMatch(
    /^One person must still approve this before it runs, and nobody can/,
  );
  await add("cleo", "name in (web-1, web-2)");
  expect((await getExecution(t.ctx, olga, id)).approvalProblem).toBeNull();
  expect((await plan())!.problem).toBeNull();
  await saveTestJob(t, "by-cleo", "approval: { by: [user:cleo, role:boss], required: 2 }\nsteps: [{ run: x }]");
  expect((await planExecution(t.ctx, olga, { ...request, job: "by-cleo" })).approval!.problem).toContain(
    "only cleo can. The job lets only user:cleo, role:boss decide.",
  );
});
