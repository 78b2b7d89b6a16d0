// Where workflows and rollouts end: jobs that call jobs too deep, and hosts that are taken away meanwhile.
import { until } from "@opsconductor/contract/testing/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import { deleteTarget } from "../assets/delete-target.ts";
import { revokeAgent } from "../fleet/revoke-agent.ts";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { getExecution } from "./get-execution.ts";
import { listAssignments } from "./list-assignments.ts";
import { listExecutions } from "./list-executions.ts";
import { endRevokedWork } from "./overdue-work.ts";
import { FakeAgent, started, starting } from "./testing/fake-agent.ts";
import { execute, saveTestJob, tester } from "./testing/save-test-job.ts";

let t: TestContext;
beforeAll(async () => {
  t = await testContext();
});
afterAll(() => t.close());

async function settled(): Promise<void> {
  await t.ctx.automation.flows.idle();
  await t.ctx.automation.dispatcher.idle();
}

const offerTo = (agent: FakeAgent, id: string) =>
  until("the offer", () => agent.offers.find((offer) => offer.executionId === id));

async function runOn(agent: FakeAgent, id: string): Promise<void> {
  await agent.run(await offerTo(agent, id), Buffer.from(""));
  await settled();
}

test("jobs that call jobs go five deep; the sixth is refused with the way to it, and makes nothing", async () => {
  await saveTestJob(t, "deep-1", "targets: { names: [lb] }\nsteps: [{ run: echo }]");
  for (let n = 2; n <= 7; n++) await saveTestJob(t, `deep-${n}`, `stages: { call: { job: deep-${n - 1} } }`);
  const lb = await FakeAgent.connected(t, "lb");
  const { id } = await execute(t, "deep-5", [], { targets: undefined });
  await settled();
  const leaf = "call/call/call/call";
  expect(
    Object.fromEntries((await getExecution(t.ctx, tester, id)).stages.map((stage) => [stage.id, stage.state])),
  ).toMatchObject({ call: "running", [leaf]: "running" });
  await runOn(lb, id);
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "succeeded" });
  const before = (await listExecutions(t.ctx, tester, { limit: 1 })).items[0]!.id;
  for (const n of [6, 7])
    await expect(execute(t, `deep-${n}`, [], { targets: undefined })).rejects.toThrow(
      `Jobs call each other more than 5 deep: deep-${n} → deep-${n - 1}`,
    );
  expect((await listExecutions(t.ctx, tester, { limit: 1 })).items[0]!.id).toBe(before);
});

test("a matrix of an input is held to the rules of a literal one before anything is made", async () => {
  const pin = await FakeAgent.connected(t, "pin");
  await saveTestJob(
    t,
    "spread",
    `inputs: { l: { type: list, required: true } }
stages: { each: { matrix: { x: "\${{ inputs.l }}" }, targets: { names: [pin] }, steps: [{ run: echo }] } }`,
  );
  await saveTestJob(t, "spreads", 'stages: { call: { job: spread, inputs: { l: [a, b, "a"] } } }');
  const run = (l: string[]) => execute(t, "spread", [], { targets: undefined, inputs: { l } });
  const before = (await listExecutions(t.ctx, tester, { limit: 1 })).items[0]!.id;
  const refused = (message: string) => ({
    code: "failed_precondition",
    message: `Stage each: its matrix repeats the input l: ${message}.`,
  });
  await expect(run(["a", "b", "a"])).rejects.toMatchObject(refused('"a" stands there twice; keep one'));
  await expect(run(["a", ""])).rejects.toMatchObject(refused("an item is empty; remove it"));
  const many = Array.from({ length: 101 }, (_, i) => `item-${i}`);
  await expect(run(many)).rejects.toMatchObject(refused("it has 101 items, and 100 are allowed"));
  await expect(execute(t, "spreads", [], { targets: undefined })).rejects.toThrow(
    "Stage call/each: its matrix repeats",
  );
  expect((await listExecutions(t.ctx, tester, { limit: 1 })).items[0]!.id).toBe(before);
  const { id } = await run(["a"]);
  await runOn(pin, id);
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "succeeded" });
});

test("a host that is taken away in the middle counts as failed: within the budget the rollout goes on without it", async () => {
  const hosts: FakeAgent[] = [];
  for (const name of ["van-1", "van-2", "van-3"]) hosts.push(await FakeAgent.connected(t, name));
  await saveTestJob(
    t,
    "vanish",
    "targets: { names: [van-1, van-2, van-3] }\nrollout: { batch: 1, maxFailures: 1 }\nsteps: [{ run: echo }]",
  );
  const { id } = await execute(t, "vanish", [], { targets: undefined });
  await hosts[0]!.say(await offerTo(hosts[0]!, id), { kind: "accepted" }, starting(), started());
  await expect(deleteTarget(t.ctx, tester, { idOrName: "van-1", revision: undefined })).rejects.toThrow(
    "van-1 still has unfinished work",
  );
  await revokeAgent(t.ctx, tester, { id: hosts[0]!.id, reason: "scrapped" });
  await endRevokedWork(t.ctx, t.ctx.automation.metrics);
  await t.ctx.automation.flows.poll();
  await settled();
  await deleteTarget(t.ctx, tester, { idOrName: "van-1", revision: undefined });
  for (const host of hosts.slice(1)) await runOn(host, id);
  const { items } = await listAssignments(t.ctx, tester, { execution: id, limit: 10 });
  expect(items.map((a) => `${a.targetName} ${a.state}`)).toEqual(["van-1 lost", "van-2 succeeded", "van-3 succeeded"]);
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "partial" });
});
