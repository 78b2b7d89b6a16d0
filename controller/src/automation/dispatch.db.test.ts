import { until } from "@opsconductor/contract/testing/until";
import { Registry } from "prom-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LinkRegistry } from "../fleet/links.ts";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { createAutomation } from "./automation.ts";
import { getExecution } from "./get-execution.ts";
import { defaultAgentLimit } from "./limit-queries.ts";
import { listAssignments } from "./list-assignments.ts";
import { FakeAgent, piece, starting } from "./testing/fake-agent.ts";
import { execute, saveTestJob, tester } from "./testing/save-test-job.ts";

let t: TestContext;
beforeAll(async () => {
  t = await testContext();
  await saveTestJob(
    t,
    "work",
    "inputs: { b: { type: string }, a: { type: integer, default: 1 } }\nsteps: [{ run: echo }]",
  );
});
afterAll(() => t.close());

const text = Buffer.from("done\n");
const assignmentOf = async (executionId: string) =>
  (await listAssignments(t.ctx, tester, { execution: executionId, limit: 10 })).items[0]!;

test("an offer carries the exact bytes, canonical inputs, the target and a fence of the database's generation", async () => {
  await t.ctx.sql`update fleet.cluster set generation = 7`;
  const agent = await FakeAgent.connected(t, "carrier");
  await t.ctx.sql`insert into assets.services (id, target_id, type, port, credential_kind, credential_secret)
    values (${t.ctx.newId()}, ${agent.targetId}, 'ssh', 22, 'key', 'carrier-key')`;
  const { id, number } = await execute(t, "work", ["carrier"], { inputs: { b: "x" } });
  const offer = agent.offers[0]!;
  expect(Buffer.from(offer.definition).toString()).toContain("name: work\n");
  expect(Buffer.from(offer.inputsJson).toString()).toBe('{"a":1,"b":"x"}');
  expect(offer).toMatchObject({ executionId: id, executionNumber: BigInt(number), stageId: "main", attempt: 1 });
  expect(offer.target).toMatchObject({ id: agent.targetId, name: "carrier", secretNames: ["carrier-key"] });
  expect(JSON.parse(Buffer.from(offer.target.servicesJson).toString())).toMatchObject([{ type: "ssh", port: 22 }]);
  expect(offer.fence >> 40n).toBe(7n);
  expect(offer.startBeforeMs).toBeGreaterThan(Date.now() + 23 * 3600_000);
  await t.ctx.sql`update fleet.cluster set generation = 1`;
});

test("work for an agent that is away waits, and is offered when it comes", async () => {
  const agent = await FakeAgent.make(t, "away");
  const { id } = await execute(t, "work", ["away"]);
  expect(await assignmentOf(id)).toMatchObject({ state: "queued", unreachable: true });
  await agent.connect();
  await expect.poll(() => agent.offers.length).toBe(1);
  await agent.run(agent.offers[0]!, text);
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "succeeded" });
});

test("an agent that takes no work is offered none until it does", async () => {
  const agent = await FakeAgent.connected(t, "draining");
  await t.ctx.automation.dispatcher.idle(); // the claim of its hello
  agent.takesWork = false;
  await execute(t, "work", ["draining"]);
  await t.ctx.automation.dispatcher.poll();
  await t.ctx.automation.dispatcher.idle();
  expect(agent.offers).toEqual([]);
  agent.takesWork = true;
  await t.ctx.automation.dispatcher.poll();
  await expect.poll(() => agent.offers.length).toBe(1);
});

test("an agent holds a bounded number of attempts, oldest first, and each end makes room", async () => {
  const agent = await FakeAgent.connected(t, "busy");
  const numbers: number[] = [];
  for (let i = 0; i < defaultAgentLimit + 3; i++) {
    numbers.push((await execute(t, "work", ["busy"])).number);
    const at = Date.now();
    await until("the next millisecond", () => Date.now() > at); // of those of one millisecond none is the older
  }
  expect(agent.offers.map((o) => Number(o.executionNumber))).toEqual(numbers.slice(0, defaultAgentLimit));
  await agent.run(agent.offers[0]!, text);
  await expect.poll(() => agent.offers.length).toBe(defaultAgentLimit + 1);
  await agent.run(agent.offers[1]!, text);
  await agent.run(agent.offers[2]!, text);
  await expect.poll(() => agent.offers.map((o) => Number(o.executionNumber))).toEqual(numbers);
});

test("what ends while work is being claimed makes room, too", async () => {
  const agent = await FakeAgent.connected(t, "hurried");
  const ids: string[] = [];
  for (let i = 0; i < defaultAgentLimit + 2; i++) ids.push((await execute(t, "work", ["hurried"])).id);
  expect(agent.offers).toHaveLength(defaultAgentLimit);
  const waiting = ids.filter((id) => !agent.offers.some((offer) => offer.executionId === id));
  await t.db.owner.begin(async (tx) => {
    // The claim that the first end brings about waits here.
    await tx`select from automation.executions where id = any(${waiting}) for update`;
    await agent.run(agent.offers[0]!, text);
    await until("the claim", async () => {
      const [row] = await tx`select count(*)::int as n from pg_locks where not granted`;
      return row!.n > 0;
    });
    await agent.run(agent.offers[1]!, text);
  });
  await until("both offers", () => agent.offers.length === defaultAgentLimit + 2);
});

test("after a lost offer the agent gets the same one again, and nothing twice that it names", async () => {
  const agent = await FakeAgent.connected(t, "cut");
  await execute(t, "work", ["cut"]);
  await execute(t, "work", ["cut"]);
  const [first, second] = agent.offers;
  await agent.say(first!, { kind: "accepted" }, starting());
  agent.offers.length = 0;
  const replies = await agent.connect([
    { assignmentId: first!.assignmentId, attempt: 1, fence: first!.fence, state: "accepted", lastSeq: 5n },
  ]);
  expect(replies).toEqual([{ kind: "ack", fence: first!.fence, seq: 2n }]);
  expect(agent.offers).toEqual([second]);
  expect(agent.desires).toMatchObject([{ want: "run", fence: first!.fence }]);
});

test("what is finished and what is unknown is forgotten; what still has output to send is not", async () => {
  const agent = await FakeAgent.connected(t, "returning");
  for (let i = 0; i < 2; i++) await execute(t, "work", ["returning"]);
  const [done, open] = agent.offers;
  await agent.run(done!, text);
  await agent.run(open!, text);
  await t.ctx.sql`update automation.tries set output_bytes = 99 where assignment_id = ${open!.assignmentId}`;
  await expect.poll(() => agent.desires.length, { timeout: 5000 }).toBe(2);
  agent.desires.length = 0;
  const held = (o: typeof done, lastSeq: bigint) => ({ ...o!, state: "succeeded", lastSeq });
  const unknown = { assignmentId: t.ctx.newId(), attempt: 1, fence: 4242n, state: "running", lastSeq: 3n };
  await agent.connect([held(done, 6n), held(open, 6n), unknown]);
  await expect.poll(() => agent.desires.length, { timeout: 5000 }).toBe(2);
  expect(agent.desires.map((d) => [d.want, d.fence])).toEqual([
    ["forget", done!.fence],
    ["forget", 4242n],
  ]);
});

test("an attempt that the agent accepted and no longer holds is lost, except on the stream that offered it", async () => {
  const agent = await FakeAgent.connected(t, "amnesiac");
  const { id } = await execute(t, "work", ["amnesiac"]);
  await agent.say(agent.offers[0]!, { kind: "accepted" });
  await t.ctx.automation.work.resume(t.ctx, agent.link, []); // the hello of this stream was written before the offer
  expect(await assignmentOf(id)).toMatchObject({ state: "accepted" });
  await agent.connect([]);
  expect(await assignmentOf(id)).toMatchObject({ state: "lost", stateReason: expect.stringContaining("not known") });
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "failed" });
});

test("a claim for a stream that was replaced takes nothing", async () => {
  const agent = await FakeAgent.make(t, "replaced");
  const { id } = await execute(t, "work", ["replaced"]);
  await agent.openSession();
  const old = agent.link;
  await agent.openSession();
  t.links.remove(t.links.get(agent.id)!);
  t.links.put(old);
  t.ctx.automation.dispatcher.wake([agent.id]);
  await t.ctx.automation.dispatcher.idle();
  expect(agent.offers).toEqual([]);
  expect(await assignmentOf(id)).toMatchObject({ state: "queued" });
  await execute(t, "work", ["replaced"]); // nor does the fast path
  expect(agent.offers).toEqual([]);
});

test("two controllers that claim at once never offer one assignment twice", async () => {
  const agents = await Promise.all(Array.from({ length: 30 }, (_, i) => FakeAgent.make(t, `shared-${i}`)));
  const { id } = await execute(
    t,
    "work",
    agents.map((a) => a.name),
  );
  const links = new LinkRegistry();
  const other = createAutomation({ ...t.ctx, metrics: new Registry() });
  other.useLinks(links);
  for (const agent of agents) {
    await agent.openSession();
    links.put(agent.link);
  }
  await Promise.all([t.ctx.automation.dispatcher.poll(), other.dispatcher.poll()]);
  await Promise.all([t.ctx.automation.dispatcher.idle(), other.dispatcher.idle()]);
  expect(agents.map((a) => a.offers.length)).toEqual(agents.map(() => 1));
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ counts: { offered: 30 } });
  // Both record over the same execution at once: no deadlock, exact counts.
  await Promise.all(
    agents.map(async (agent, i) => {
      const work = i % 2 === 0 ? t.ctx.automation.work : other.work;
      const offer = agent.offers[0]!;
      const events = agent.events(offer, { kind: "accepted" }, starting(), {
        kind: "finished",
        state: "failed",
        reason: "",
      });
      for (const event of events) await work.recordEvents(t.ctx, agent.session, [event]);
      await work.storeOutput(t.ctx, agent.session, [piece(offer, 0n, text)]);
    }),
  );
  expect(await getExecution(t.ctx, tester, id)).toMatchObject({ state: "failed", counts: { failed: 30 } });
});

test("no forget overtakes an offer whose fence is older and whose commit comes later", async () => {
  await saveTestJob(t, "late-commit", "steps: [{ run: echo }]");
  await t.db.owner.unsafe(`
    create function hold() returns trigger language plpgsql as $$ begin
      if new.job_name = 'late-commit' then perform pg_advisory_xact_lock(42); end if; return new; end $$;
    create trigger hold before insert on automation.executions for each row execute function hold()`);
  const agent = await FakeAgent.connected(t, "ordered");
  let late: Promise<unknown> | undefined;
  await t.db.owner.begin(async (holder) => {
    await holder`select pg_advisory_xact_lock(42)`;
    late = execute(t, "late-commit", ["ordered"]);
    const isHeld = async () => (await holder`select from pg_locks where locktype = 'advisory' and not granted`).length;
    await expect.poll(isHeld).toBe(1);
    await execute(t, "work", ["ordered"]);
    await agent.run(agent.offers[0]!, text);
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve))); // when it would be told to forget
    expect(agent.desires).toEqual([]);
  });
  await late;
  await expect.poll(() => agent.desires.length).toBe(1);
  expect(agent.offers).toHaveLength(2);
  expect(agent.offers[1]!.fence).toBeLessThan(agent.offers[0]!.fence);
  expect(agent.desires).toMatchObject([{ want: "forget", fence: agent.offers[0]!.fence }]);
});

test("an agent that lost some of its attempts is given no more than it may hold", async () => {
  const agent = await FakeAgent.connected(t, "full");
  for (let i = 0; i < defaultAgentLimit + 20; i++) await execute(t, "work", ["full"]);
  for (const offer of agent.offers) await agent.say(offer, { kind: "accepted" });
  await agent.disconnect();
  const held = agent.offers.slice(10).map((o) => ({ ...o, state: "accepted", lastSeq: 1n }));
  agent.offers.length = 0;
  await agent.connect(held);
  await expect.poll(() => agent.offers.length).toBe(10);
  await t.ctx.automation.dispatcher.idle();
  expect(agent.offers).toHaveLength(10);
});
