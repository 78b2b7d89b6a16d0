import { once } from "node:events";
import { createServer } from "node:net";
import { status } from "@grpc/grpc-js";
import { until } from "@opsconductor/contract/testing/until";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MarkKeeper } from "./mark-keeper.ts";
import { BreakablePath } from "./testing/breakable-path.ts";
import { FakeController } from "./testing/fake-controller.ts";
import { FakeHost } from "./testing/fake-host.ts";
import { enrolledState, type LinkedAgent, startLinkedAgent } from "./testing/linked-agent.ts";
import { silentAddress } from "./testing/silent-address.ts";

let controller: FakeController;
let agent: LinkedAgent;
beforeEach(async () => {
  controller = await FakeController.start();
});
afterEach(async () => {
  await agent.stop();
  controller.kill();
});

const started = { kind: "tryStarting", stepId: "s", try: 1, spawn: 1 } as const;
const seqsOf = (fence: bigint) => controller.events.get(fence)?.map((e) => Number(e.seq)) ?? [];

test("the hello says who speaks, and the welcome makes the agent online", async () => {
  agent = await startLinkedAgent(controller);
  await until("online", () => agent.status().state === "online");
  expect(controller.hellos[0]).toMatchObject({
    protocolVersion: 1,
    agentVersion: "0.1.0",
    bootId: "boot-1",
    journalId: "journal-1",
    journalPosition: 7n,
    actions: ["shell"],
    certificateSerial: agent.state.certificate("current")!.serial,
  });
  expect(agent.status().agentName).toBe("renamed");
  expect(agent.state.identity()!.agentName).toBe("renamed");
  await until("heartbeats", () => controller.heartbeats.length >= 2);
  await until("facts", () => controller.facts.length === 1);
  expect(controller.facts[0]!.toString()).toBe('{"os":{"family":"linux"}}');
});

test("offers are judged by the controller's clock, and desires arrive", async () => {
  agent = await startLinkedAgent(controller);
  await until("connected", () => controller.call);
  const value = {
    ...{ assignmentId: "a", attempt: 1, fence: 5n, definition: Buffer.from("x"), definitionSha256: Buffer.alloc(32) },
    ...{ definitionMediaType: "text/yaml", signatures: [], stageId: "main", inputsJson: Buffer.from("{}") },
    ...{ needsOutputsJson: Buffer.from("{}"), target: undefined, startBeforeMs: 9n, releaseThroughStep: 1 },
    ...{ executionId: "e", executionNumber: 1n, check: true },
  };
  controller.send({ $case: "offer", value });
  const { offer, controllerNowMs } = await until("offer", () => agent.host.offers[0]);
  expect(offer).toMatchObject({ fence: 5n, startBeforeMs: 9, check: true, target: { id: "", secretNames: [] } });
  expect(controllerNowMs).toBeGreaterThanOrEqual(1_000_000);
  expect(controllerNowMs).toBeLessThan(1_010_000);
  const desire = { assignmentId: "a", attempt: 1, fence: 5n, want: "cancel", releaseThroughStep: 0, reason: "asked" };
  controller.send({ $case: "desire", value: { ...desire, want: "dance", mark: undefined } });
  controller.send({ $case: "desire", value: { ...desire, mark: undefined } });
  await until("desire", () => agent.host.desires.length > 0);
  expect(agent.host.desires).toEqual([desire]); // what only a newer agent understands is left alone
});

test("events go out in order as they are stored, and acknowledgements reach the journal", async () => {
  agent = await startLinkedAgent(controller);
  agent.host.put(7n, { kind: "accepted" }, started);
  await until("two events", () => seqsOf(7n).length === 2);
  for (let i = 0; i < 500; i++) agent.host.put(7n, started);
  await until("all events", () => seqsOf(7n).length === 502);
  await until("acknowledged", () => agent.host.acked.get(7n) === 502n);
  expect(controller.arrived).toHaveLength(502);
});

test("after a cut the journal is told again only from where the controller stands", async () => {
  agent = await startLinkedAgent(controller);
  controller.acknowledging = false;
  agent.host.put(7n, { kind: "accepted" }, started, started);
  await until("three events", () => seqsOf(7n).length === 3);
  controller.kill();
  agent.host.put(7n, started);
  controller.acknowledging = true;
  await controller.listen(controller.agentPort);
  await until("the fourth", () => seqsOf(7n).length === 4);
  expect(controller.arrived.map((e) => Number(e.seq))).toEqual([1, 2, 3, 4]);
  expect(controller.hellos.at(-1)!.attempts).toMatchObject([{ fence: 7n, lastSeq: 4n, state: "running" }]);
  await until("acknowledged", () => agent.host.acked.get(7n) === 4n);
});

test("an attempt that the controller does not speak of is sent from the start", async () => {
  const prepared = await enrolledState(controller);
  controller.acknowledge = () => {}; // it never says what it has
  const host = new FakeHost();
  host.put(7n, { kind: "accepted" }, started);
  agent = await startLinkedAgent(controller, prepared, host);
  await until("connected", () => controller.call);
  expect(controller.hellos[0]!.attempts).toHaveLength(1);
  expect(controller.arrived).toEqual([]);
  await until("both", () => seqsOf(7n).length === 2);
});

test("a rewind sends again from there", async () => {
  agent = await startLinkedAgent(controller);
  agent.host.put(7n, { kind: "accepted" }, started, started);
  await until("three", () => seqsOf(7n).length === 3);
  controller.events.set(7n, controller.events.get(7n)!.slice(0, 1));
  controller.send({ $case: "eventRewind", value: { fence: 7n, fromSeq: 2n } });
  await until("three again", () => seqsOf(7n).length === 3);
  expect(controller.arrived.map((e) => Number(e.seq))).toEqual([1, 2, 3, 2, 3]);
});

test("a controller that asks for the same event again and again gets a new connection instead of a flood", async () => {
  agent = await startLinkedAgent(controller);
  await until("connected", () => controller.call);
  const first = controller.call;
  controller.acknowledging = false;
  agent.host.put(7n, { kind: "accepted" });
  const nag = setInterval(() => {
    if (controller.call === first) controller.send({ $case: "eventRewind", value: { fence: 7n, fromSeq: 1n } });
  }, 5);
  await until("a second hello", () => controller.hellos.length === 2);
  clearInterval(nag);
});

test("output of many tries shares the stream, a chunk of each in turn, and arrives byte for byte", async () => {
  agent = await startLinkedAgent(controller);
  await until("connected", () => controller.call);
  const a = Buffer.alloc(300_000, "a");
  const b = Buffer.alloc(200_000, "b");
  agent.host.print(7n, "a", a);
  agent.host.print(7n, "b", b);
  await until(
    "all of both",
    () => agent.host.ackedOutput.get("7/a/1") === 300_000n && agent.host.ackedOutput.get("7/b/1") === 200_000n,
  );
  expect(controller.output.get("7/a/1")!.equals(a)).toBe(true);
  expect(controller.output.get("7/b/1")!.equals(b)).toBe(true);
  expect(controller.outputCalls).toHaveLength(1);
  expect(controller.chunks.slice(1, 5).sort()).toEqual(["7/a/1", "7/a/1", "7/b/1", "7/b/1"]);
});

test("no more is sent than the credit of a try and of all tries", async () => {
  controller.credit = { total: 250_000n, perTry: 100_000n };
  controller.acknowledging = false;
  agent = await startLinkedAgent(controller);
  await until("connected", () => controller.call);
  for (const step of ["a", "b", "c"]) agent.host.print(7n, step, Buffer.alloc(500_000, step));
  await until("the credit is used", () => sum(controller) === 250_000);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(sum(controller)).toBe(250_000);
  expect(Math.max(...[...controller.output.values()].map((o) => o.length))).toBe(100_000);
  controller.acknowledging = true;
  for (const key of controller.output.keys()) controller.acknowledgeOutput(controller.outputCalls[0]!, key);
  await until("the rest", () => sum(controller) === 1_500_000);
});
const sum = (c: FakeController) => [...c.output.values()].reduce((n, o) => n + o.length, 0);

test("output goes on after a cut from what was acknowledged, without a hole", async () => {
  agent = await startLinkedAgent(controller);
  await until("connected", () => controller.call);
  agent.host.print(7n, "a", Buffer.from("one "));
  await until("acknowledged", () => agent.host.ackedOutput.get("7/a/1") === 4n);
  controller.kill();
  agent.host.print(7n, "a", Buffer.from("two"));
  await controller.listen(controller.agentPort);
  await until("the rest", () => controller.output.get("7/a/1")?.toString() === "one two");
});

test("output of a try that the controller does not know yet is offered again until it does", async () => {
  agent = await startLinkedAgent(controller);
  await until("connected", () => controller.call);
  controller.output.set("7/a/1", Buffer.alloc(0));
  let refusals = 0;
  const original = controller.output.get.bind(controller.output);
  controller.output.get = (key) => (refusals++ < 3 ? undefined : original(key));
  agent.host.print(7n, "a", Buffer.from("hello"));
  await until("stored", () => original("7/a/1")?.toString() === "hello");
});

test("silence of the controller ends the connection, and the agent dials again", async () => {
  agent = await startLinkedAgent(controller);
  await until("connected", () => controller.call);
  controller.call!.write = () => true; // its heartbeats are lost
  await until("a second hello", () => controller.hellos.length === 2);
});

test("a controller that is away is dialled less and less often", async () => {
  let dials = 0;
  const absent = createServer((socket) => {
    dials += 1;
    socket.on("error", () => {}).resetAndDestroy();
  }).listen(0, "127.0.0.1");
  await once(absent, "listening");
  const prepared = await enrolledState(controller);
  const { port } = absent.address() as { port: number };
  prepared.identity = { ...prepared.identity, agentAddress: `127.0.0.1:${port}` };
  agent = await startLinkedAgent(controller, prepared);
  await until("some dials", () => agent.logged("link.disconnected").length >= 7);
  const waits = agent.logged("link.disconnected").map((line) => Number(line.waitMs));
  expect(waits[0]).toBeLessThanOrEqual(200);
  for (const [failures, waitMs] of waits.entries())
    expect(waitMs).toBeLessThanOrEqual(Math.min(4_000, 200 * 2 ** failures));
  expect(dials).toBeLessThan(40); // each is a knock and, as that was answered, a connection
  absent.close();
});

test("a link that carries nothing any more is given up by its pings, long before the heartbeats are missed", async () => {
  controller.deadAfterMs = 60_000;
  const prepared = await enrolledState(controller);
  const path = await BreakablePath.to(controller.agentPort);
  prepared.identity = { ...prepared.identity, agentAddress: `127.0.0.1:${path.port}` };
  agent = await startLinkedAgent(controller, prepared);
  await until("connected", () => controller.call);
  path.lose();
  await until("a second hello", () => controller.hellos.length === 2);
  path.close();
});

test.runIf(process.platform === "linux")("a dial that nobody answers is given up and made anew", async () => {
  const prepared = await enrolledState(controller);
  const silent = await silentAddress();
  prepared.identity = { ...prepared.identity, agentAddress: `127.0.0.1:${silent.port}`, reachedBy: "127.0.0.1" };
  agent = await startLinkedAgent(controller, prepared);
  await until("given up", () => /did not answer/.test(agent.status().reason));
  silent.close();
});

test("retry-after is honoured", async () => {
  const at: number[] = [];
  controller.answerHello = () => {
    at.push(performance.now());
    return at.length > 1
      ? undefined
      : { $case: "goodbye", value: { code: "retry_later", reason: "busy", retryAfterMs: 700 } };
  };
  agent = await startLinkedAgent(controller);
  await until("online", () => agent.status().state === "online");
  expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(690);
});

test("a revoked agent says so in its status and dials seldom", async () => {
  controller.answerHello = () => ({ $case: "goodbye", value: { code: "revoked", reason: "stolen", retryAfterMs: 0 } });
  agent = await startLinkedAgent(controller);
  await until("refused", () => agent.status().state === "refused");
  expect(agent.status().reason).toBe("revoked: stolen");
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(controller.hellos).toHaveLength(1);
});

test("at half life the certificate is renewed: on disk before its first use, and the old one is gone after it", async () => {
  controller.lifeMs = 6_000;
  agent = await startLinkedAgent(controller);
  const first = agent.state.certificate("current")!.serial;
  await until("renewed and used", () => controller.serials.length === 2);
  expect(controller.serials[1]).not.toBe(first);
  await until("promoted", () => agent.state.certificate("current")!.serial === controller.serials[1]);
  expect(agent.state.certificate("next")).toBeUndefined();
  expect(controller.proofs).toEqual([]);
});

test("the controller may ask for a renewal at once", async () => {
  controller.renewCertificate = true;
  agent = await startLinkedAgent(controller);
  await until("renewed and used", () => controller.serials.length >= 2);
  controller.renewCertificate = false;
  expect(new Set(controller.serials).size).toBeGreaterThan(1);
});

test("a host that slept longer than its certificate lives comes back by itself", async () => {
  controller.lifeMs = 1_500;
  const prepared = await enrolledState(controller);
  const asleep = prepared.state.certificate("current")!;
  await new Promise((resolve) => setTimeout(resolve, asleep.notAfterMs - Date.now() + 10));
  controller.lifeMs = 3_600_000;
  agent = await startLinkedAgent(controller, prepared);
  await until("online", () => agent.status().state === "online");
  expect(controller.proofs).toHaveLength(1);
  expect(controller.serials).toEqual([agent.state.certificate("current")!.serial]);
  expect(controller.serials[0]).not.toBe(asleep.serial);
});

test("a certificate that the controller refuses leads to the proof of identity", async () => {
  const prepared = await enrolledState(controller);
  controller.refuseCalls = status.UNAUTHENTICATED;
  agent = await startLinkedAgent(controller, prepared);
  await until("a proof", () => controller.proofs.length > 0);
  controller.refuseCalls = undefined;
  await until("online", () => agent.status().state === "online");
});

test("when the told address does not answer, the host that enrolment reached is tried", async () => {
  const prepared = await enrolledState(controller);
  prepared.identity = { ...prepared.identity, agentAddress: `does-not-exist.invalid:${controller.agentPort}` };
  agent = await startLinkedAgent(controller, prepared);
  await until("online", () => agent.status().state === "online");
  expect(agent.status().address).toBe(`127.0.0.1:${controller.agentPort}`);
});

test("a pause comes after all addresses were tried, not after each", async () => {
  const prepared = await enrolledState(controller);
  prepared.identity = { ...prepared.identity, agentAddress: `does-not-exist.invalid:${controller.agentPort}` };
  agent = await startLinkedAgent(controller, prepared);
  await until("online", () => agent.status().state === "online");
  const reasons = agent.logged("link.disconnected");
  expect(reasons).toMatchObject([{ waitMs: 0 }]);
});

test("a controller of another cluster at the same address gets no hello", async () => {
  const prepared = await enrolledState(controller);
  prepared.identity = { ...prepared.identity, clusterId: "00000000-0000-4000-8000-000000000000" };
  agent = await startLinkedAgent(controller, prepared);
  await until("waiting", () => agent.status().state === "waiting");
  expect(agent.status().reason).toMatch(/another cluster/);
  expect(controller.hellos).toEqual([]);
});

test("the highest mark of the database survives a restart of the agent", async () => {
  const prepared = await enrolledState(controller);
  agent = await startLinkedAgent(controller, prepared);
  await until("online", () => agent.status().state === "online");
  controller.kill();
  await controller.listen(controller.agentPort);
  await until("a second hello", () => controller.hellos.length === 2);
  const mark = { systemId: "7", generation: 1, position: 101n };
  expect(controller.hellos[1]!.highestMark).toMatchObject(mark);
  expect(new MarkKeeper(agent.state.file("mark.json")).highest).toMatchObject(mark);
});

test("a degraded host says so at once, and so when it is well again", async () => {
  agent = await startLinkedAgent(controller);
  await until("the first", () => controller.heartbeats.length > 0);
  const told = () =>
    controller.heartbeats.map((h) => (h.body?.$case === "heartbeat" ? h.body.value.degraded : undefined)).at(-1);
  const before = controller.heartbeats.length;
  agent.host.setProblem("journal poisoned: EIO");
  await until("told", () => told() === "journal poisoned: EIO");
  await until("in the status too", () => agent.status().degraded === "journal poisoned: EIO");
  agent.host.setProblem("");
  await until("told again", () => told() === "" && controller.heartbeats.length >= before + 2);
});
