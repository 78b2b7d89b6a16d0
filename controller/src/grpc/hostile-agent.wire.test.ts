// What an agent may send to harm others or the controller, over the real wire to the real work and database.

import { createHash } from "node:crypto";
import { until } from "@opsconductor/contract/testing/until";
import type { AttemptEvent, Heartbeat } from "@opsconductor/proto/opsconductor/agent/v1/agent";
import { afterAll, beforeAll, expect, test } from "vitest";
import { listAssignments } from "../automation/list-assignments.ts";
import { listSteps } from "../automation/list-steps.ts";
import { execute, saveTestJob, tester } from "../automation/testing/save-test-job.ts";
import type { AgentWork } from "../fleet/agent-link.ts";
import { getAgent } from "../fleet/get-agent.ts";
import { releaseAgent } from "../fleet/revoke-agent.ts";
import { connectFakeAgent, enrollFakeAgent, type FakeStream, type Identity } from "./testing/fake-agent.ts";
import { startWholeController, type TestController } from "./testing/test-controller.ts";

let c: TestController<AgentWork>;
beforeAll(async () => {
  c = await startWholeController();
  await saveTestJob(c.t, "job");
});
afterAll(() => c.close());

const agentOf = (id: Identity) => getAgent(c.ctx, tester, { idOrName: id.response.agentId });

async function connected(): Promise<{ id: Identity; stream: FakeStream }> {
  const id = await enrollFakeAgent(c);
  return { id, stream: await connectFakeAgent(c, id) };
}

/** An agent that was offered one assignment, and its next events of it. */
async function offered() {
  const { id, stream } = await connected();
  const { id: executionId } = await execute(c.t, "job", [id.response.agentName]);
  const { assignmentId, attempt, fence } = await stream.next("offer");
  let seq = 0n;
  const say = (...bodies: NonNullable<AttemptEvent["body"]>[]) => {
    const events = bodies.map((body) => ({ assignmentId, attempt, fence, seq: ++seq, atMs: 0n, body }));
    stream.send({ $case: "events", value: { events } });
  };
  return { id, stream, executionId, address: { assignmentId, attempt, fence }, say };
}

/** Events wait until the hello is answered in full: the reply to one comes after all of that. */
async function answered(stream: FakeStream): Promise<void> {
  const unknown = { assignmentId: "01999999-0000-7000-8000-000000000009", attempt: 1, fence: 1n, seq: 1n, atMs: 0n };
  const body = { $case: "accepted", value: {} } as const;
  const before = stream.all("desire").length;
  stream.send({ $case: "events", value: { events: [{ ...unknown, body }] } });
  await stream.next("desire", before);
}

function heartbeat(changes: Partial<Heartbeat>): Heartbeat {
  const numbers = { sequence: 1n, atMs: 0n, runningAttempts: 0, spooledBytes: 0n, load1: 0, cpuFraction: 0 };
  return { ...numbers, memoryUsedBytes: 1n, memoryTotalBytes: 2n, degraded: "", auditFork: undefined, ...changes };
}

test("a text that is cut inside a character keeps nobody's signs of life from being written", async () => {
  const [good, bad] = [await connected(), await connected()];
  const since = c.ctx.now();
  good.stream.send({ $case: "heartbeat", value: heartbeat({ memoryTotalBytes: 4711n }) });
  bad.stream.send({ $case: "heartbeat", value: heartbeat({ degraded: `${"a".repeat(499)}😀` }) });
  await until("both were heard", () => [...c.links.all()].filter((l) => l.vitals).length === 2);
  await c.presence.writeVitals();
  const agent = await agentOf(good.id);
  expect(agent.vitals).toMatchObject({ memoryTotalBytes: 4711 });
  expect(Date.parse(agent.lastSeenAt!)).toBeGreaterThanOrEqual(since.getTime());
  for (const { stream } of [good, bad]) stream.close();
});

test("facts with text that PostgreSQL cannot store are stored without it", async () => {
  const { id, stream } = await connected();
  const facts = '{"a\\u0000b": {"half": "\\ud83d", "nul": "x\\u0000y"}, "__proto__": {"c\\ud800": 1}}';
  stream.send({ $case: "facts", value: { factsJson: Buffer.from(facts) } });
  await until("facts", async () => (await agentOf(id)).factsAt);
  const stored = (await agentOf(id)).facts;
  expect(JSON.stringify(stored)).toBe('{"ab":{"nul":"xy","half":"\ufffd"},"__proto__":{"c\ufffd":1}}');
  expect(stream.ended).toBe(false);
  stream.close();
});

test("a flood of facts is stored at its end, and holds no more of the database than one report", async () => {
  const { id, stream } = await connected();
  let most = 0;
  const watch = setInterval(async () => {
    const [row] = await c.t.db.owner`select count(*) as n from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'
        and query ~ 'fleet.agents set facts'`;
    most = Math.max(most, Number(row!.n));
  }, 5);
  for (let i = 0; i <= 200; i++)
    stream.send({ $case: "facts", value: { factsJson: Buffer.from(JSON.stringify({ i, pad: "x".repeat(20_000) })) } });
  await until("the newest facts", async () => (await agentOf(id)).facts.i === 200);
  clearInterval(watch);
  expect(most).toBeLessThanOrEqual(1);
  stream.close();
});

test("outputs as large as a step may write them are stored, whatever their JSON takes", async () => {
  const { stream, executionId, say } = await offered();
  const outputs = { v: "\u0001".repeat(256 * 1024 - 3) }; // six bytes each in JSON
  say(
    { $case: "accepted", value: {} },
    { $case: "tryStarting", value: { stepId: "step-1", try: 1, spawn: 1 } },
    { $case: "tryStarted", value: { stepId: "step-1", try: 1, spawn: 1, pid: 1, bootId: "b" } },
  );
  const outputsJson = Buffer.from(JSON.stringify(outputs));
  say({
    $case: "stepFinished",
    value: { stepId: "step-1", state: "succeeded", reason: "", outputsJson, changed: false },
  });
  await until("the step's end", async () => (await stepOf(executionId)).finishedAt);
  expect((await stepOf(executionId)).outputs).toEqual(outputs);
  expect(stream.ended).toBe(false);
  stream.close();
});

const stepOf = async (executionId: string) => (await listSteps(c.ctx, tester, { execution: executionId })).items[0]!;

test("numbers beyond all reason are told as far as a row can hold them", async () => {
  const { stream, executionId, say } = await offered();
  say(
    { $case: "accepted", value: {} },
    { $case: "tryStarting", value: { stepId: "step-1", try: 1, spawn: 1 } },
    {
      $case: "tryFinished",
      value: {
        stepId: "step-1",
        try: 1,
        state: "succeeded",
        exitCode: -(2 ** 31),
        signal: "",
        reason: "",
        outputBytes: 0n,
        outputSha256: createHash("sha256").digest(),
        gaps: [{ offset: 2n ** 63n - 1n, omittedBytes: 2n ** 63n - 1n }],
        rawBytes: 2n ** 63n - 1n,
        durationMs: 2n ** 63n - 1n,
      },
    },
  );
  await until("the try's end", async () => (await stepOf(executionId)).tries[0]?.finishedAt);
  expect(stream.ended).toBe(false);
  stream.close();
});

test("a copy in quarantine is offered nothing and loses nothing; the hello after its release decides", async () => {
  const { id, stream, executionId, address, say } = await offered();
  await execute(c.t, "job", [id.response.agentName]); // an offer that stays unanswered
  await stream.next("offer", 1);
  say({ $case: "accepted", value: {} });
  await stream.next("eventAck");
  const stateOf = async () =>
    (await listAssignments(c.ctx, tester, { execution: executionId, limit: 1 })).items[0]!.state;
  expect(await stateOf()).toBe("accepted");
  stream.close();
  const copy = await connectFakeAgent(c, id, { journalPosition: 0n }); // older than what it told before
  await until("the copy was answered", async () => c.links.get(id.response.agentId)?.takesWork === false);
  await answered(copy);
  await c.ctx.automation.dispatcher.idle();
  expect([copy.all("offer").length, await stateOf()]).toEqual([0, "accepted"]);
  await releaseAgent(c.ctx, tester, { id: id.response.agentId });
  expect(await copy.next("goodbye")).toMatchObject({ code: "retry_later" });
  copy.close();
  const attempts = [{ ...address, state: "accepted", lastSeq: 1n }];
  const back = await connectFakeAgent(c, id, { journalPosition: 2n, incarnation: "i-2", attempts });
  expect((await back.next("offer")).assignmentId).not.toBe(address.assignmentId);
  expect(await stateOf()).toBe("accepted");
  back.close();
});

test("output streams that are opened and closed again leave nothing behind", async () => {
  const { id, stream } = await connected();
  const link = c.links.get(id.response.agentId)!;
  const before = link.listeners;
  for (let i = 0; i < 20; i++) {
    const out = stream.output();
    out.call.write({ body: { $case: "hello", value: { sessionEpoch: 1n } } });
    await until("it listens", () => link.listeners === before + 1);
    out.call.end();
    await until("nobody listens", () => link.listeners === before);
  }
  stream.close();
});

test("an agent that talks and does not listen is cut off before its answers fill the memory", async () => {
  const { id, stream } = await connected();
  const link = c.links.get(id.response.agentId)!;
  stream.call.pause();
  for (let i = 0; i < 200_000 && !link.closed; i++) {
    link.desire({
      assignmentId: "",
      attempt: 1,
      fence: 1n,
      want: "forget",
      releaseThroughStep: 0,
      reason: "x".repeat(500),
    });
    if (i % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(link.closed).toBe(true);
  await until("its session is closed", async () => (await agentOf(id)).state === "offline");
  stream.close();
});

test("tries without end are not stored", async () => {
  const { stream, executionId, say } = await offered();
  say({ $case: "accepted", value: {} });
  for (let n = 1; n <= 2000; n += 100)
    say(
      ...Array.from({ length: 100 }, (_, i) => ({
        $case: "tryStarting" as const,
        value: { stepId: "step-1", try: n + i, spawn: 1 },
      })),
    );
  await until("all of it was heard", () => stream.all("eventAck").some((ack) => ack.seq === 2001n));
  expect((await stepOf(executionId)).tries).toHaveLength(100);
  stream.close();
});
