import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestContext, testActor, testContext } from "../testing/test-context.ts";
import { getExecution } from "./get-execution.ts";
import { listAssignments } from "./list-assignments.ts";
import { listExecutions } from "./list-executions.ts";
import { FakeAgent } from "./testing/fake-agent.ts";
import { execute, saveTestJob, tester } from "./testing/save-test-job.ts";

let t: TestContext;
let here: FakeAgent;
beforeAll(async () => {
  t = await testContext();
  here = await FakeAgent.connected(t, "here");
  await FakeAgent.make(t, "away");
  await saveTestJob(t, "plain");
  for (const offline of ["queue", "skip", "fail"])
    await saveTestJob(
      t,
      offline,
      `targets: { select: env=test, max: 2, offline: ${offline}, offlineExpiry: 1h }\nsteps: [{ run: id }]`,
    );
});
afterAll(() => t.close());

const statesOf = async (execution: string) =>
  Object.fromEntries(
    (await listAssignments(t.ctx, tester, { execution, limit: 10 })).items.map((a) => [a.targetName, a.state]),
  );

test("targets that are away wait, are left out or fail, as the job says", async () => {
  const queued = await execute(t, "queue", [], { targets: undefined });
  expect(await statesOf(queued.id)).toEqual({ away: "queued", here: "offered" });
  const skipped = await execute(t, "skip", [], { targets: undefined });
  expect(await statesOf(skipped.id)).toEqual({ away: "skipped", here: "offered" });
  const failed = await execute(t, "fail", [], { targets: undefined });
  expect(await statesOf(failed.id)).toEqual({ away: "expired", here: "offered" });
  const offer = here.offers.findLast((o) => o.executionId === skipped.id)!;
  await here.run(offer, Buffer.from(""));
  expect(await getExecution(t.ctx, tester, skipped.id)).toMatchObject({
    state: "succeeded",
    counts: { skipped: 1, succeeded: 1 },
  });
});

test("an execution whose targets are all left out or failed is finished when it is made", async () => {
  expect(await execute(t, "skip", ["away"])).toMatchObject({ state: "skipped", counts: { skipped: 1 } });
  const failed = await execute(t, "fail", ["away"]);
  expect(failed).toMatchObject({ state: "failed", counts: { expired: 1 } });
  expect(failed.finishedAt).not.toBeNull();
});

test("refusals say what to do: no job, no version, no targets, too many, no agent, wrong inputs", async () => {
  const orphan = t.ctx.newId();
  await t.ctx.sql`insert into assets.targets (id, name) values (${orphan}, 'orphan')`;
  const refusal = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (e) => [e.code, e.message],
    );
  expect(await refusal(execute(t, "nope", ["here"]))).toEqual(["not_found", expect.stringContaining("no job nope")]);
  expect(await refusal(execute(t, "plain", ["here"], { version: 9 }))).toEqual([
    "not_found",
    "plain has no version 9: its versions are 1 to 1.",
  ]);
  expect(await refusal(execute(t, "plain", [], { targets: undefined }))).toEqual([
    "failed_precondition",
    expect.stringContaining("names no targets"),
  ]);
  expect(await refusal(execute(t, "plain", [], { targets: { select: "env=none" } }))).toEqual([
    "failed_precondition",
    expect.stringContaining("matches no target"),
  ]);
  await FakeAgent.make(t, "third");
  expect(await refusal(execute(t, "queue", [], { targets: undefined }))).toEqual([
    "failed_precondition",
    expect.stringContaining("matches 3 targets, and the job allows 2"),
  ]);
  expect(await refusal(execute(t, "plain", ["orphan", "here"]))).toEqual([
    "failed_precondition",
    expect.stringMatching(/^No agent manages orphan: /),
  ]);
  expect(await refusal(execute(t, "plain", ["here"], { inputs: { x: 1 } }))).toEqual([
    "invalid_argument",
    expect.stringContaining("the job has no inputs"),
  ]);
  await t.ctx.sql`update assets.targets set deleted_at = now() where name = 'third'`;
});

test("the same key gives the same execution, also when both arrive at once; another request with it is refused", async () => {
  const twice = await Promise.all([1, 2, 3].map(() => execute(t, "plain", ["here"], { idempotencyKey: "k-1" })));
  expect(new Set(twice.map((e) => e.id)).size).toBe(1);
  expect(here.offers.filter((o) => o.executionId === twice[0]!.id)).toHaveLength(1);
  const other = execute(t, "plain", ["here"], { idempotencyKey: "k-1", reason: "different" });
  await expect(other).rejects.toMatchObject({ code: "conflict" });
  const refused = execute(t, "plain", ["nobody"], { idempotencyKey: "k-2" });
  await expect(refused).rejects.toMatchObject({ code: "unprocessable" });
  expect(await execute(t, "plain", ["here"], { idempotencyKey: "k-2" })).toMatchObject({ targetCount: 1 });
});

test("executions are listed newest first in pages, by state, job and target", async () => {
  const made = [];
  for (let i = 0; i < 3; i++) made.push((await execute(t, "plain", ["here"])).id);
  const list = (query: object) => listExecutions(t.ctx, testActor("executions:read"), { limit: 2, ...query });
  const first = await list({ job: "plain" });
  expect(first.items.map((e) => e.id)).toEqual([made[2], made[1]]);
  const second = await list({ job: "plain", cursor: first.nextCursor });
  expect(second.items[0]!.id).toBe(made[0]);
  expect((await list({ state: "skipped", target: "away" })).items).toMatchObject([{ state: "skipped" }]);
  expect((await list({ target: "nobody" })).items).toEqual([]);
  await expect(list({ state: "odd" })).rejects.toThrow('"odd" is no state');
});
