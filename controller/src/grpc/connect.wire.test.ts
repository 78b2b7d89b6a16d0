// A session on the stream of an agent: hello, events, offers, vitals, and what ends it.
import { until } from "@opsconductor/contract/testing/until";
import type { AttemptEvent } from "@opsconductor/proto/opsconductor/agent/v1/agent";
import { afterAll, beforeAll, expect, test } from "vitest";
import { getTarget } from "../assets/get-target.ts";
import { getAgent } from "../fleet/get-agent.ts";
import { acceptDatabase, readDatabaseState } from "../fleet/pause-dispatch.ts";
import { testActor } from "../testing/test-context.ts";
import {
  agentClient,
  connectFakeAgent,
  enrollFakeAgent,
  FakeStream,
  helloOf,
  type Identity,
} from "./testing/fake-agent.ts";
import { startTestController, type TestController } from "./testing/test-controller.ts";

let c: TestController;
beforeAll(async () => {
  c = await startTestController();
});
afterAll(() => c.close());

const actor = testActor();
const stateOf = async (id: Identity) => (await getAgent(c.ctx, actor, { idOrName: id.response.agentId })).state;
const assignmentId = "01999999-0000-7000-8000-000000000001";

function event(fence: bigint, seq: bigint, body?: AttemptEvent["body"]): AttemptEvent {
  return { assignmentId, attempt: 1, fence, seq, atMs: 0n, body: body ?? { $case: "accepted", value: {} } };
}
let fences = 100n;
const newFence = () => ++fences;

test("an agent is online between hello and hanging up, and never before", async () => {
  const id = await enrollFakeAgent(c);
  expect(await stateOf(id)).toBe("never_connected");
  const stream = await connectFakeAgent(c, id);
  expect(await stateOf(id)).toBe("online");
  expect(await stream.next("welcome")).toMatchObject({
    sessionEpoch: 1n,
    agentId: id.response.agentId,
    clusterId: c.ctx.clusterId,
    heartbeatMs: 10_000,
    renewCertificate: false,
  });
  stream.close();
  await until("offline", async () => (await stateOf(id)) === "offline");
});

test("events are acknowledged after the commit, and those that arrive meanwhile do not wait for it to be handed on", async () => {
  const id = await enrollFakeAgent(c);
  const stream = await connectFakeAgent(c, id);
  let open = () => {};
  c.work.gate = new Promise((resolve) => (open = resolve));
  const fence = newFence();
  const before = c.work.batches.length;
  stream.send({ $case: "events", value: { events: [event(fence, 1n)] } });
  for (let seq = 2n; seq <= 5n; seq++) stream.send({ $case: "events", value: { events: [event(fence, seq)] } });
  await until("the events are there", () => c.links.get(id.response.agentId));
  stream.send({ $case: "heartbeat", value: heartbeat() });
  await until("the heartbeat passed the events", () => c.links.get(id.response.agentId)?.vitals);
  expect(stream.all("eventAck")).toEqual([]);
  open();
  await until("all are acknowledged", () => stream.all("eventAck").some((a) => a.fence === fence && a.seq === 5n));
  expect(c.work.batches.slice(before).flatMap((b) => b.map((e) => e.seq))).toEqual([1n, 2n, 3n, 4n, 5n]);
  stream.close();
});

test("a hole asks for a rewind, and a repeat is ignored", async () => {
  const stream = await connectFakeAgent(c, await enrollFakeAgent(c));
  const fence = newFence();
  stream.send({ $case: "events", value: { events: [event(fence, 1n)] } });
  await stream.next("eventAck");
  stream.send({ $case: "events", value: { events: [event(fence, 4n)] } });
  expect(await stream.next("eventRewind")).toEqual({ fence, fromSeq: 2n });
  stream.send({ $case: "events", value: { events: [event(fence, 1n), event(fence, 2n)] } });
  await until("2 is acknowledged", () => stream.all("eventAck").some((a) => a.seq === 2n));
  stream.close();
});

test("after a reconnect the attempts of the hello are told what is stored", async () => {
  const id = await enrollFakeAgent(c);
  const first = await connectFakeAgent(c, id);
  const fence = newFence();
  first.send({ $case: "events", value: { events: [event(fence, 1n), event(fence, 2n)] } });
  await until("stored", () => c.work.lastSeq.get(fence) === 2n);
  first.close();
  const attempt = { assignmentId, attempt: 1, fence, state: "running", lastSeq: 9n };
  const second = await connectFakeAgent(c, id, { attempts: [attempt] });
  expect(await second.next("eventAck")).toEqual({ fence, seq: 2n });
  expect((await second.next("welcome")).sessionEpoch).toBe(2n);
  second.close();
});

test("a newer connection ends the older, and a hello is never answered twice", async () => {
  const id = await enrollFakeAgent(c);
  const older = await connectFakeAgent(c, id);
  const newer = await connectFakeAgent(c, id);
  expect((await older.next("goodbye")).code).toBe("superseded");
  await until("the older has ended", () => older.ended);
  expect(await stateOf(id)).toBe("online");
  expect(c.links.get(id.response.agentId)!.session.epoch).toBe(2n);
  older.close();
  newer.close();
});

test("a write of a stale epoch is refused by the database's fence and the stream is closed", async () => {
  const id = await enrollFakeAgent(c);
  const stream = await connectFakeAgent(c, id);
  // Another controller took the agent over, and this one has not noticed yet.
  await c.ctx.sql`update fleet.agent_sessions set epoch = epoch + 1 where agent_id = ${id.response.agentId}`;
  const fence = newFence();
  stream.send({ $case: "events", value: { events: [event(fence, 1n)] } });
  expect((await stream.next("goodbye")).code).toBe("superseded");
  expect(c.work.lastSeq.has(fence)).toBe(false);
  stream.close();
});

test("a commit that fails is not acknowledged: the stream ends and the agent comes back", async () => {
  const id = await enrollFakeAgent(c);
  const stream = await connectFakeAgent(c, id);
  c.work.failNext = new Error("the database went away");
  const fence = newFence();
  stream.send({ $case: "events", value: { events: [event(fence, 1n)] } });
  const goodbye = await stream.next("goodbye");
  expect(goodbye.code).toBe("retry_later");
  expect(goodbye.retryAfterMs).toBeGreaterThan(0);
  expect(stream.all("eventAck").filter((a) => a.fence === fence)).toEqual([]);
  stream.close();
  const again = await connectFakeAgent(c, id);
  again.send({ $case: "events", value: { events: [event(fence, 1n)] } });
  await until("stored at the second try", () => c.work.lastSeq.get(fence) === 1n);
  again.close();
});

test("offers and desires reach the agent whole", async () => {
  const id = await enrollFakeAgent(c);
  const stream = await connectFakeAgent(c, id);
  const link = c.links.get(id.response.agentId)!;
  const definition = Buffer.from("kind: Job\n\0\xff", "latin1");
  link.offer({
    assignmentId,
    attempt: 1,
    fence: (1n << 62n) + 1n,
    executionId: assignmentId,
    executionNumber: 7n,
    stageId: "main",
    definition,
    definitionSha256: Buffer.alloc(32, 1),
    definitionMediaType: "text/yaml",
    inputsJson: Buffer.from("{}"),
    needsOutputsJson: Buffer.from("{}"),
    target: { id: assignmentId, name: "t", servicesJson: Buffer.from("[]"), secretNames: [] },
    startBeforeMs: 0,
    releaseThroughStep: 0xffff_ffff,
    check: true,
  });
  const offer = await stream.next("offer");
  expect(offer).toMatchObject({
    check: true,
    fence: (1n << 62n) + 1n,
    executionNumber: 7n,
    releaseThroughStep: 0xffff_ffff,
  });
  expect(offer.definition.equals(definition)).toBe(true);
  link.desire({ assignmentId, attempt: 1, fence: 5n, want: "cancel", releaseThroughStep: 0, reason: "asked" });
  expect(await stream.next("desire")).toMatchObject({ fence: 5n, want: "cancel", reason: "asked" });
  stream.close();
});

test("a check is not sent to an agent that would run it for real: it is denied on its behalf", async () => {
  const id = await enrollFakeAgent(c);
  const stream = await connectFakeAgent(c, id, { features: [] });
  const link = c.links.get(id.response.agentId)!;
  const [checked, real] = [newFence(), newFence()];
  const offer = {
    ...{ assignmentId, attempt: 1, executionId: assignmentId, executionNumber: 7n, stageId: "main" },
    ...{
      definition: Buffer.from("kind: Job"),
      definitionSha256: Buffer.alloc(32, 1),
      definitionMediaType: "text/yaml",
    },
    ...{ inputsJson: Buffer.from("{}"), needsOutputsJson: Buffer.from("{}"), startBeforeMs: 0 },
    target: { id: assignmentId, name: "t", servicesJson: Buffer.from("[]"), secretNames: [] },
    releaseThroughStep: 0xffff_ffff,
  };
  link.offer({ ...offer, fence: checked, check: true });
  link.offer({ ...offer, fence: real, check: false });
  expect(await stream.next("offer")).toMatchObject({ fence: real, check: false });
  await until("the denial is recorded", () => c.work.lastSeq.get(checked) === 1n);
  expect(stream.all("offer").map((sent) => sent.fence)).toEqual([real]);
  stream.close();
});

test("a degraded agent stays connected and takes no work", async () => {
  const id = await enrollFakeAgent(c);
  const stream = await connectFakeAgent(c, id);
  const link = c.links.get(id.response.agentId)!;
  expect(link.takesWork).toBe(true);
  stream.send({ $case: "heartbeat", value: heartbeat({ degraded: "journal poisoned" }) });
  await until("no work", () => !link.takesWork);
  await c.presence.writeVitals();
  const agent = await getAgent(c.ctx, actor, { idOrName: id.response.agentId });
  expect(agent.vitals).toMatchObject({ degraded: "journal poisoned", memoryTotalBytes: 2000 });
  stream.close();
});

test("an agent whose clock is wrong is told by how much", async () => {
  const id = await enrollFakeAgent(c);
  const stream = await connectFakeAgent(c, id);
  const dayMs = 86_400_000;
  stream.send({ $case: "heartbeat", value: heartbeat({ atMs: BigInt(Date.now() + dayMs) }) });
  const offset = async () => {
    await c.presence.writeVitals();
    return (await getAgent(c.ctx, actor, { idOrName: id.response.agentId })).vitals.clockOffsetMs;
  };
  const told = await until("the offset", offset);
  expect(Math.abs(told - dayMs)).toBeLessThan(5_000);
  stream.close();
});

test("facts are kept on the agent and on its own target", async () => {
  const id = await enrollFakeAgent(c);
  const stream = await connectFakeAgent(c, id);
  const factsJson = Buffer.from(JSON.stringify({ os: { family: "linux", odd: "a\0b" } }));
  stream.send({ $case: "facts", value: { factsJson } });
  const facts = { os: { family: "linux", odd: "ab" } };
  await until("facts", async () => (await getAgent(c.ctx, actor, { idOrName: id.response.agentId })).factsAt);
  expect((await getAgent(c.ctx, actor, { idOrName: id.response.agentId })).facts).toEqual(facts);
  const [target] = await c.ctx.sql<{ id: string }[]>`
    select id from assets.targets where managed_by_agent_id = ${id.response.agentId}`;
  expect((await getTarget(c.ctx, actor, target!.id)).facts).toEqual(facts);
  stream.send({ $case: "facts", value: { factsJson: Buffer.from("[1]") } });
  expect((await stream.next("goodbye")).code).toBe("protocol_error");
  stream.close();
});

test("an agent below the floor is told which version to install", async () => {
  const stream = new FakeStream(agentClient(c, await enrollFakeAgent(c)));
  stream.send({ $case: "hello", value: helloOf({ protocolVersion: 0 }) });
  const goodbye = await stream.next("goodbye");
  expect(goodbye.code).toBe("unsupported_version");
  expect(goodbye.reason).toMatch(/install version \d/);
  stream.close();
});

test("what breaks the rules ends the stream with words", async () => {
  const id = await enrollFakeAgent(c);
  const first = new FakeStream(agentClient(c, id));
  first.send({ $case: "heartbeat", value: heartbeat() });
  await until("refused", () => first.error);
  expect(first.error!.details).toMatch(/must be hello/);
  first.close();
  const bad = [
    { ...event(1n, 1n), assignmentId: "not-a-uuid" },
    { ...event(1n, 1n), body: undefined },
    event(1n << 63n, 1n),
    event(1n, 1n, { $case: "finished", value: { state: "great", reason: "" } }),
  ];
  for (const e of bad) {
    const stream = await connectFakeAgent(c, id);
    stream.send({ $case: "events", value: { events: [e] } });
    expect((await stream.next("goodbye")).code).toBe("protocol_error");
    stream.close();
  }
});

function heartbeat(changes = {}) {
  return {
    sequence: 1n,
    atMs: 0n,
    runningAttempts: 0,
    spooledBytes: 0n,
    load1: 0.5,
    cpuFraction: 0.1,
    memoryUsedBytes: 1000n,
    memoryTotalBytes: 2000n,
    degraded: "",
    auditFork: undefined,
    ...changes,
  };
}

test("the first vitals of a session are stored within seconds", async () => {
  const id = await enrollFakeAgent(c);
  const stream = await connectFakeAgent(c, id);
  stream.send({ $case: "heartbeat", value: heartbeat({ load1: 7.5 }) });
  const stored = async () => (await getAgent(c.ctx, actor, { idOrName: id.response.agentId })).vitals.load1 === 7.5;
  await until("stored", stored);
  stream.close();
});

test("a database that an agent knows further on than it is offers nothing until a person accepts it", async () => {
  const other = await enrollFakeAgent(c);
  const before = await connectFakeAgent(c, other);
  const id = await enrollFakeAgent(c);
  const mark = c.presence.mark!;
  const state = async () => (await readDatabaseState(c.ctx)).paused;
  // Neither the truth nor a lie: only a mark that a controller has sealed is believed.
  const forged = { ...mark, position: mark.position * 2n, seal: Buffer.from(mark.seal) };
  for (const highestMark of [{ ...mark, seal: Buffer.from(mark.seal) }, forged])
    (await connectFakeAgent(c, id, { highestMark })).close();
  expect(await state()).toBeNull();

  const { systemId, generation, life } = mark;
  const position = mark.position * 2n;
  const seal = c.ctx.keys.sign("database mark", [systemId, generation, position, life].join("\0"));
  const stream = await connectFakeAgent(c, id, { highestMark: { ...mark, position, seal } });
  expect((await stream.next("welcome")).mark).toBeUndefined(); // the agent keeps its proof
  expect(await state()).toMatchObject({ by: `agent ${id.response.agentName}`, behindBytes: expect.any(Number) });
  expect(c.links.get(id.response.agentId)).toMatchObject({ takesWork: false, history: "paused" });
  expect(await before.next("goodbye")).toMatchObject({ code: "retry_later" });
  const again = await connectFakeAgent(c, other);
  expect(c.links.get(other.response.agentId)).toMatchObject({ takesWork: false, history: "paused" });

  await acceptDatabase(c.ctx, actor, { reason: "restored on purpose" });
  await expect(acceptDatabase(c.ctx, actor, { reason: "again" })).rejects.toThrow(/not paused/);
  for (const s of [stream, again]) expect(await s.next("goodbye")).toMatchObject({ code: "retry_later" });
  const returned = await connectFakeAgent(c, id, { highestMark: { ...mark, position, seal } });
  expect(c.links.get(id.response.agentId)).toMatchObject({
    takesWork: true,
    history: "lost",
    generation: generation + 1,
  });
  // Not with the next heartbeat: what it does from now on is proof of the new history.
  expect((await returned.next("heartbeat")).mark).toMatchObject({ life, generation: generation + 1 });
  const told = await c.ctx.sql`select action from communication.audit where action like 'database.%' order by id`;
  expect(told.map((row) => row.action)).toEqual(["database.found_older", "database.accepted"]);
  for (const s of [before, stream, again, returned]) s.close();
});
