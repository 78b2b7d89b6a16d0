import { status } from "@grpc/grpc-js";
import { until } from "@opsconductor/contract/testing/until";
import type { AttemptEvent, RenewCertificateResponse } from "@opsconductor/proto/opsconductor/agent/v1/agent";
import { afterAll, beforeAll, expect, test } from "vitest";
import { StaleSession } from "../fleet/agent-link.ts";
import { getAgent } from "../fleet/get-agent.ts";
import { releaseAgent, revokeAgent } from "../fleet/revoke-agent.ts";
import { makeCertificateRequest } from "../fleet/testing/certificate-request.ts";
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
  });
  const offer = await stream.next("offer");
  expect(offer).toMatchObject({ fence: (1n << 62n) + 1n, executionNumber: 7n, releaseThroughStep: 0xffff_ffff });
  expect(offer.definition.equals(definition)).toBe(true);
  link.desire({ assignmentId, attempt: 1, fence: 5n, want: "cancel", releaseThroughStep: 0, reason: "asked" });
  expect(await stream.next("desire")).toMatchObject({ fence: 5n, want: "cancel", reason: "asked" });
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
  const [target] = await c.ctx.sql`select facts from assets.targets where managed_by_agent_id = ${id.response.agentId}`;
  expect(target!.facts).toEqual(facts);
  stream.send({ $case: "facts", value: { factsJson: Buffer.from("[1]") } });
  expect((await stream.next("goodbye")).code).toBe("protocol_error");
  stream.close();
});

test("a revoked agent is cut off within two seconds, and every way back is closed", async () => {
  const id = await enrollFakeAgent(c);
  const stream = await connectFakeAgent(c, id);
  const startedAt = performance.now();
  await revokeAgent(c.ctx, actor, { id: id.response.agentId, reason: "stolen laptop" });
  expect((await stream.next("goodbye")).code).toBe("revoked");
  await until("ended", () => stream.ended);
  expect(performance.now() - startedAt).toBeLessThan(2_000);
  stream.close();
  const again = new FakeStream(agentClient(c, id));
  again.send({ $case: "hello", value: helloOf() });
  expect((await again.next("goodbye")).code).toBe("revoked");
  again.close();
  await expect(renew(id)).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
  await expect(enrollFakeAgent(c, undefined, id.host)).rejects.toThrow(/was revoked/);
  expect(await stateOf(id)).toBe("revoked");
});

async function renew(id: Identity): Promise<Identity> {
  const { csr, keyPem } = await makeCertificateRequest();
  const client = agentClient(c, id);
  try {
    const response = await new Promise<RenewCertificateResponse>((resolve, reject) =>
      client.renewCertificate({ csrDer: csr }, (e, r) => (e ? reject(e) : resolve(r))),
    );
    return { ...id, keyPem, chainPem: response.certificate!.chainPem };
  } finally {
    client.close();
  }
}

test("a renewed certificate takes over at its first use; until then the old one is good", async () => {
  const id = await enrollFakeAgent(c);
  const lost = await renew(id);
  const stream = await connectFakeAgent(c, id); // the reply was lost: the old certificate still works
  stream.close();
  const renewed = await renew(id);
  await refusedWith(lost, status.UNAUTHENTICATED);
  const open = await connectFakeAgent(c, id);
  const next = await connectFakeAgent(c, renewed);
  expect((await open.next("goodbye")).code).toBe("superseded");
  next.close();
  await refusedWith(id, status.UNAUTHENTICATED);
  expect(await stateOf(id)).not.toBe("quarantined"); // too soon after to be a theft
});

test("a replaced certificate on a later connection means a copied key: the agent is quarantined until released", async () => {
  const id = await enrollFakeAgent(c);
  const renewed = await renew(id);
  const stream = await connectFakeAgent(c, renewed);
  await c.ctx.sql`update fleet.agents set serial_activated_at = now() - interval '1 minute'
    where id = ${id.response.agentId}`;
  await refusedWith(id, status.UNAUTHENTICATED);
  const link = c.links.get(id.response.agentId)!;
  await until("no work for it", () => !link.takesWork);
  const agent = await getAgent(c.ctx, actor, { idOrName: id.response.agentId });
  expect(agent.state).toBe("quarantined");
  expect(agent.stateReason).toMatch(/copy of the agent's key/);
  await releaseAgent(c.ctx, actor, { id: id.response.agentId });
  await until("work again", () => link.takesWork);
  stream.close();
});

async function refusedWith(id: Identity, code: status): Promise<void> {
  const stream = new FakeStream(agentClient(c, id));
  stream.send({ $case: "hello", value: helloOf() });
  await until("refused", () => stream.error);
  expect(stream.error!.code).toBe(code);
  stream.close();
}

test("an older process that comes back after a newer one is a clone; a crash loop is not", async () => {
  const id = await enrollFakeAgent(c);
  for (const incarnation of ["a", "b", "c", "c", "d"]) (await connectFakeAgent(c, id, { incarnation })).close();
  expect(["online", "offline"]).toContain(await stateOf(id));
  const back = await connectFakeAgent(c, id, { incarnation: "b" });
  expect(c.links.get(id.response.agentId)!.takesWork).toBe(false);
  expect(await stateOf(id)).toBe("quarantined");
  back.close();
});

test("a journal that is older than before means that the host was rolled back", async () => {
  const id = await enrollFakeAgent(c);
  (await connectFakeAgent(c, id, { journalPosition: 10n })).close();
  (await connectFakeAgent(c, id, { journalPosition: 10n })).close();
  (await connectFakeAgent(c, id, { journalId: "j-new", journalPosition: 1n })).close();
  expect(await stateOf(id)).not.toBe("quarantined");
  (await connectFakeAgent(c, id, { journalId: "j-new", journalPosition: 0n })).close();
  expect(await stateOf(id)).toBe("quarantined");
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

test("output is stored once, acknowledged after the commit and resumed after a cut", async () => {
  const id = await enrollFakeAgent(c);
  const stream = await connectFakeAgent(c, id);
  const fence = newFence();
  const key = `${fence}/s/1`;
  const chunk = (offset: number, data: string) => ({
    body: {
      $case: "chunk" as const,
      value: { assignmentId, attempt: 1, fence, stepId: "s", try: 1, offset: BigInt(offset), data: Buffer.from(data) },
    },
  });
  const out = stream.output();
  out.call.write({ body: { $case: "hello", value: { sessionEpoch: 1n } } });
  out.call.write(chunk(0, "hello "));
  await until("acknowledged", () => out.replies.length === 1);
  out.call.write(chunk(20, "too far"));
  await until("a rewind", () => out.replies.length === 2);
  expect(out.replies[1]!.body).toEqual({ $case: "rewind", value: { fence, stepId: "s", try: 1, offset: 6n } });
  stream.close();
  const again = await connectFakeAgent(c, id);
  const resumed = again.output();
  resumed.call.write({ body: { $case: "hello", value: { sessionEpoch: 2n } } });
  resumed.call.write(chunk(3, "lo world"));
  await until("all of it", () => c.work.outputOf(key).toString() === "hello world");
  again.close();
});

test("output of another session's epoch is refused", async () => {
  const stream = await connectFakeAgent(c, await enrollFakeAgent(c));
  const out = stream.output();
  out.call.write({ body: { $case: "hello", value: { sessionEpoch: 99n } } });
  const error = await until("refused", () => out.error() as { code: number } | undefined);
  expect(error.code).toBe(status.FAILED_PRECONDITION);
  stream.close();
});

test("output beyond what is committed stops being read, and all of it arrives in its time", async () => {
  const stream = await connectFakeAgent(c, await enrollFakeAgent(c));
  let open = () => {};
  c.work.gate = new Promise((resolve) => (open = resolve));
  const out = stream.output();
  out.call.write({ body: { $case: "hello", value: { sessionEpoch: 1n } } });
  const fence = newFence();
  const data = Buffer.alloc(64 * 1024);
  const write = (i: number) =>
    out.call.write({
      body: {
        $case: "chunk",
        value: { assignmentId, attempt: 1, fence, stepId: "s", try: 1, offset: BigInt(i * data.length), data },
      },
    });
  for (let i = 0; i < 400; i++) write(i); // 25 MiB against a credit of 4
  await until("a commit is held", () => c.work.storing > 0);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(out.call.writableLength).toBeGreaterThan(250); // flow control holds it back at the sender
  open();
  await until("all of it arrived in its time", () => c.work.outputLength(`${fence}/s/1`) === 400 * data.length);
  expect(out.error()).toBeUndefined();
  stream.close();
});

test("a stale session of the work closes both streams", async () => {
  const stream = await connectFakeAgent(c, await enrollFakeAgent(c));
  const out = stream.output();
  out.call.write({ body: { $case: "hello", value: { sessionEpoch: 1n } } });
  c.work.failNext = new StaleSession("over");
  const value = {
    assignmentId,
    attempt: 1,
    fence: newFence(),
    stepId: "s",
    try: 1,
    offset: 0n,
    data: Buffer.from("x"),
  };
  out.call.write({ body: { $case: "chunk", value } });
  expect((await stream.next("goodbye")).code).toBe("superseded");
  await until("refused", () => out.error());
  stream.close();
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

test("an agent that knows the database further on than it is makes the controller say so", async () => {
  const said: unknown[] = [];
  const { log } = c.ctx;
  const error = log.error;
  log.error = ((fields: object, message: string) => said.push({ ...fields, message })) as unknown as typeof log.error;
  const { systemId, generation, position } = c.presence.mark!;
  const id = await enrollFakeAgent(c);
  (await connectFakeAgent(c, id, { highestMark: { systemId, generation, position } })).close();
  (await connectFakeAgent(c, id, { highestMark: { systemId: "other", generation, position: position * 2n } })).close();
  expect(said).toEqual([]);
  (await connectFakeAgent(c, id, { highestMark: { systemId, generation, position: position * 2n } })).close();
  await until("said", () => said.length === 1);
  log.error = error;
  expect(said[0]).toMatchObject({ agentName: id.response.agentName, message: "database.older_than_agents_know" });
});
