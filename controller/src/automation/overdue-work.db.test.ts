import { afterAll, beforeAll, expect, test } from "vitest";
import { revokeAgent } from "../fleet/revoke-agent.ts";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { timeoutGraceMs } from "./apply-event.ts";
import { getExecution } from "./get-execution.ts";
import { dropOldKeys, ensurePartitions } from "./history-upkeep.ts";
import { listAssignments } from "./list-assignments.ts";
import { endRevokedWork, expireQueued, stopOverdue } from "./overdue-work.ts";
import { FakeAgent, finishedStep, finishedTry, started, starting } from "./testing/fake-agent.ts";
import { execute, saveTestJob, tester } from "./testing/save-test-job.ts";

let t: TestContext;
beforeAll(async () => {
  t = await testContext();
  await saveTestJob(
    t,
    "short",
    "timeout: 1m\ntargets: { select: env=test, offlineExpiry: 1h }\nsteps: [{ run: sleep 100 }]",
  );
});
afterAll(() => t.close());

const at = (afterMs: number) => ({ ...t.ctx, now: () => new Date(Date.now() + afterMs) });

test("work for an agent that does not come in time expires, once, and the execution ends", async () => {
  await FakeAgent.make(t, "late");
  const { id } = await execute(t, "short", ["late"]);
  await expireQueued(at(59 * 60_000), t.ctx.automation.metrics);
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "queued" });
  await Promise.all([
    expireQueued(at(61 * 60_000), t.ctx.automation.metrics),
    expireQueued(at(61 * 60_000), t.ctx.automation.metrics),
  ]);
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "failed", counts: { expired: 1 } });
  const { items } = await listAssignments(t.ctx, tester, { execution: id, limit: 1 });
  expect(items[0]).toMatchObject({
    state: "expired",
    stateReason: "its agent was not connected in time",
    stepStates: ["skipped"],
  });
});

test("what runs past its timeout is asked to stop, and its cancelled end is a timeout", async () => {
  const agent = await FakeAgent.connected(t, "slow");
  const { id } = await execute(t, "short", ["slow"]);
  const offer = agent.offers[0]!;
  await agent.say(offer, { kind: "accepted" }, starting(), started());
  await stopOverdue(at(timeoutGraceMs), t.ctx.automation.dispatcher);
  expect(agent.desires).toEqual([]);
  await stopOverdue(at(timeoutGraceMs + 61_000), t.ctx.automation.dispatcher);
  await stopOverdue(at(timeoutGraceMs + 62_000), t.ctx.automation.dispatcher);
  expect(agent.desires).toMatchObject([{ want: "cancel", reason: "timed out" }]);
  await agent.say(offer, finishedTry(Buffer.alloc(0), "step-1", "cancelled"), finishedStep("step-1", "cancelled"), {
    kind: "finished",
    state: "cancelled",
    reason: "",
  });
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "timed_out", counts: { timed_out: 1 } });
});

test("work of a revoked agent ends: what it held is lost, what waited expires, and what had ended stands", async () => {
  const agent = await FakeAgent.connected(t, "stolen");
  const executions: string[] = [];
  for (let i = 0; i < 4; i++) executions.push((await execute(t, "short", ["stolen"])).id);
  const [done, runs, accepted] = agent.offers;
  await agent.run(done!, Buffer.from("ok"));
  await agent.say(runs!, { kind: "accepted" }, starting(), started());
  await agent.say(accepted!, { kind: "accepted" });
  agent.takesWork = false;
  executions.push((await execute(t, "short", ["stolen"])).id);
  await endRevokedWork(t.ctx, t.ctx.automation.metrics);
  const countsOf = async (id: string) => (await getExecution(t.ctx, tester, id)).counts;
  expect(await countsOf(executions[1]!)).toEqual({ running: 1 });
  await revokeAgent(t.ctx, tester, { id: agent.id, reason: "stolen" });
  await Promise.all([endRevokedWork(t.ctx, t.ctx.automation.metrics), endRevokedWork(t.ctx, t.ctx.automation.metrics)]);
  expect(await Promise.all(executions.map(countsOf))).toEqual([
    { succeeded: 1 },
    ...[{ lost: 1 }, { lost: 1 }, { lost: 1 }],
    { expired: 1 },
  ]);
  expect(await getExecution(t.ctx, tester, executions[1]!)).toMatchObject({ state: "failed", unreachable: 0 });
  const { items } = await listAssignments(t.ctx, tester, { execution: executions[1]!, limit: 1 });
  expect(items[0]).toMatchObject({
    state: "lost",
    stateReason: "its agent was revoked; whether its steps ran to their end is not known",
  });
  await agent.say(runs!, finishedTry(Buffer.alloc(0)), finishedStep(), {
    kind: "finished",
    state: "succeeded",
    reason: "",
  });
  expect(await countsOf(executions[1]!)).toEqual({ lost: 1 });
});

test("partitions are made ahead, and keys end after a day", async () => {
  const nextYear = at(365 * 24 * 3600_000);
  await ensurePartitions(nextYear);
  const [row] = await t.db
    .owner`select count(*) as n from pg_inherits where inhparent = 'automation.executions'::regclass`;
  expect(row!.n).toBeGreaterThanOrEqual(6n);
  const agent = await FakeAgent.connected(t, "keyed");
  await execute(t, "short", [agent.name], { idempotencyKey: "old" });
  await dropOldKeys(at(23 * 3600_000));
  expect(await t.ctx.sql`select 1 from automation.execution_keys`).toHaveLength(1);
  await dropOldKeys(at(25 * 3600_000));
  expect(await t.ctx.sql`select 1 from automation.execution_keys`).toHaveLength(0);
});
