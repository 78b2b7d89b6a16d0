import { createHash } from "node:crypto";
import { parseSelector } from "@opsconductor/contract/job/selector";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Actor } from "../context.ts";
import type { ScopedGrant } from "../identity/grants.ts";
import { type TestContext, testActor, testContext } from "../testing/test-context.ts";
import { compareExecutions, listComparedTargets } from "./compare-executions.ts";
import { listGroupTargets, listOutputGroups } from "./group-outputs.ts";
import { FakeAgent } from "./testing/fake-agent.ts";
import { execute, saveTestJob, tester } from "./testing/save-test-job.ts";

let t: TestContext;
const agents = new Map<string, FakeAgent>();
beforeAll(async () => {
  t = await testContext();
  await saveTestJob(t, "version");
  for (const name of ["web-1", "web-2", "web-3", "web-4"]) agents.set(name, await FakeAgent.connected(t, name));
});
afterAll(() => t.close());

/** What each target prints; one that is not named keeps its offer. */
async function run(outputs: Record<string, string>, names = Object.keys(outputs)): Promise<string> {
  const { id } = await execute(t, "version", names);
  for (const [name, text] of Object.entries(outputs)) {
    const agent = agents.get(name)!;
    await agent.run(agent.offers.at(-1)!, Buffer.from(text), "step-1", text === "no" ? "failed" : "succeeded");
  }
  return id;
}
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const groupsOf = (execution: string, more: object = {}, actor = tester) =>
  listOutputGroups(t.ctx, actor, { execution, step: "step-1", limit: 50, ...more });
const targetsOf = (execution: string, before: string, more: object = {}, actor = tester) =>
  listComparedTargets(t.ctx, actor, { execution, with: before, limit: 100, ...more });

test("targets of the same state, exit code and output are one group, and the rest wait in theirs", async () => {
  const execution = await run({ "web-1": "18.1", "web-2": "18.1", "web-3": "no" }, [
    "web-1",
    "web-2",
    "web-3",
    "web-4",
  ]);
  const { items, groups, targets } = await groupsOf(execution);
  expect([groups, targets]).toEqual([3, 4]);
  expect(items[0]).toMatchObject({
    ...{ state: "succeeded", exitCode: 0, outputSha256: sha256("18.1"), outputBytes: 4, count: 2 },
    sample: { targetName: "web-1" },
  });
  const rest = items.slice(1).toSorted((a, b) => a.state.localeCompare(b.state));
  expect(rest).toMatchObject([
    { state: "failed", exitCode: 1, count: 1, sample: { targetName: "web-3" } },
    { state: "pending", exitCode: null, outputSha256: null, count: 1, sample: { targetName: "web-4" } },
  ]);
});

test("groups and the targets of one come in pages without a hole or a double", async () => {
  const execution = await run({ "web-1": "a", "web-2": "a", "web-3": "b", "web-4": "c" });
  const first = await groupsOf(execution, { limit: 2 });
  const second = await groupsOf(execution, { limit: 2, cursor: first.nextCursor });
  expect(second.nextCursor).toBeUndefined();
  const all = [...first.items, ...second.items];
  expect(all.map((group) => group.sample.targetName).toSorted()).toEqual(["web-1", "web-3", "web-4"]);
  const place = { execution, step: "step-1", group: all[0]!.group, limit: 1 };
  const one = await listGroupTargets(t.ctx, tester, place);
  const two = await listGroupTargets(t.ctx, tester, { ...place, cursor: one.nextCursor! });
  expect([one.items[0]!.targetName, two.items[0]!.targetName, two.nextCursor]).toEqual(["web-1", "web-2", undefined]);
});

test("a step that the execution does not have is told with those that it has", async () => {
  const execution = await run({ "web-1": "a" });
  await expect(groupsOf(execution, { step: "nope" })).rejects.toThrow("the steps are step-1");
  await expect(groupsOf(execution, { stage: "nope" })).rejects.toThrow("in its stage nope");
});

test("two executions beside each other: what ended, printed and ran otherwise comes first", async () => {
  const before = await run({ "web-1": "same", "web-2": "old", "web-3": "fine" });
  const after = await run({ "web-1": "same", "web-2": "new", "web-3": "no", "web-4": "here" });
  const compared = await compareExecutions(t.ctx, tester, { execution: after, with: before });
  expect(compared.targets).toEqual({ state: 1, before_only: 0, after_only: 1, output: 1, same: 1 });
  expect(compared).toMatchObject({ before: { id: before }, after: { id: after }, sameDefinition: true });
  expect(compared.steps).toMatchObject([
    {
      ...{ stage: "main", step: "step-1", sameOutput: 1, otherOutput: 2 },
      before: { targets: 3, succeeded: 3 },
      after: { targets: 4, succeeded: 3 },
    },
  ]);
  expect(compared.steps[0]!.after!.medianMs).toBeTypeOf("number");
  const { items } = await targetsOf(after, before);
  expect(items.map((row) => [row.targetName, row.change, row.steps])).toEqual([
    ["web-3", "state", ["step-1"]],
    ["web-4", "after_only", []],
    ["web-2", "output", ["step-1"]],
    ["web-1", "same", []],
  ]);
  expect(items[0]).toMatchObject({ before: { state: "succeeded" }, after: { state: "failed" } });
  expect(items[1]!.before).toBeNull();
});

test("compared targets come in pages, by change and by name", async () => {
  const before = await run({ "web-1": "a", "web-2": "b" });
  const after = await run({ "web-1": "c", "web-2": "d" });
  const first = await targetsOf(after, before, { limit: 1 });
  const second = await targetsOf(after, before, { limit: 1, cursor: first.nextCursor });
  expect([...first.items, ...second.items].map((row) => row.targetName)).toEqual(["web-1", "web-2"]);
  expect(second.nextCursor).toBeUndefined();
  expect((await targetsOf(after, before, { change: "same" })).items).toEqual([]);
  expect((await targetsOf(after, before, { q: "EB-2" })).items).toHaveLength(1);
});

test("`previous` is the execution of the same job before it, and says when there is none", async () => {
  await saveTestJob(t, "lonely");
  const { id } = await execute(t, "lonely", ["web-1"]);
  await expect(compareExecutions(t.ctx, tester, { execution: id, with: "previous" })).rejects.toThrow("before");
  const before = await run({ "web-1": "a" });
  const after = await run({ "web-1": "b" });
  expect((await compareExecutions(t.ctx, tester, { execution: after, with: "previous" })).before.id).toBe(before);
});

test("who may not read one of the two compares nothing, and a scope leaves out the targets beyond it", async () => {
  const before = await run({ "web-1": "a", "web-2": "a" });
  const after = await run({ "web-1": "b", "web-2": "b" });
  const within = (...grants: ScopedGrant[]): Actor => ({ ...testActor(), permissions: new Set(), grants });
  await expect(compareExecutions(t.ctx, within(), { execution: after, with: before })).rejects.toThrow("no execution");
  await t.ctx.sql`update assets.targets set labels = '{"tier": "first"}' where name = 'web-1'`;
  const scope = { kind: "selector" as const, selector: parseSelector("tier=first") };
  const scoped = within({
    id: "g",
    permissions: new Set(["executions:read"]),
    scope,
    ownExecutions: false,
    lockedInputs: {},
  });
  expect((await groupsOf(after, {}, scoped)).targets).toBe(1);
  expect((await targetsOf(after, before, {}, scoped)).items.map((row) => row.targetName)).toEqual(["web-1"]);
  const compared = await compareExecutions(t.ctx, scoped, { execution: after, with: before });
  expect([compared.targets.output, compared.steps[0]!.otherOutput]).toEqual([1, 1]);
});
