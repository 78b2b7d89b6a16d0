import { afterAll, beforeAll, expect, test } from "vitest";
import { closeSession } from "../fleet/close-session.ts";
import { type Hello, openSession, type Peer } from "../fleet/open-session.ts";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { cancelExecution } from "./cancel-execution.ts";
import { readTimeline } from "./read-timeline.ts";
import { FakeAgent, finishedTry, piece, started, starting } from "./testing/fake-agent.ts";
import { execute, saveTestJob, tester } from "./testing/save-test-job.ts";

let t: TestContext;
beforeAll(async () => {
  t = await testContext();
  await saveTestJob(t, "one");
});
afterAll(() => t.close());

let made = 0;
async function running() {
  const agent = await FakeAgent.connected(t, `told-${++made}`);
  const { id } = await execute(t, "one", [agent.name]);
  await agent.say(agent.offers[0]!, { kind: "accepted" }, starting(), started());
  return { agent, offer: agent.offers[0]!, execution: id };
}
const timelineOf = async (execution: string, more: { limit?: number; cursor?: string; target?: string } = {}) =>
  await readTimeline(t.ctx, tester, { execution, limit: 100, ...more });
const entryOf = async (execution: string, kind: string) =>
  (await timelineOf(execution)).items.find((e) => e.kind === kind);

const hello = (incarnation: string, bootId = "boot-1"): Hello => ({
  ...{
    protocolVersion: 1,
    agentVersion: "1.0.0",
    incarnation,
    bootId,
    actions: [],
    journalId: "j",
    journalPosition: 1n,
    highestMark: undefined,
  },
  platform: { os: "linux", arch: "x64", hostname: "h", osName: "Debian" },
});

test("a connection that goes and comes back is told to every execution that the agent holds work of", async () => {
  const { agent, execution } = await running();
  await t.ctx.sql`update fleet.agents set current_serial = 'aa' where id = ${agent.id}`;
  const peer: Peer = {
    ...{ agentId: agent.id, serial: "aa", certificateNotAfter: new Date(), address: "10.0.0.7" },
    connectionOpenedAt: new Date(),
  };
  const first = await openSession(t.ctx, peer, hello("process-1"));
  if (first.kind !== "opened") throw new Error(first.reason);
  await closeSession(t.ctx, first.session, "the connection was lost");
  await openSession(t.ctx, peer, hello("process-2"));
  expect(await entryOf(execution, "agent.disconnected")).toMatchObject({
    targetName: agent.name,
    detail: { agentName: agent.name, reason: "the connection was lost" },
  });
  expect(await entryOf(execution, "agent.reconnected")).toMatchObject({
    targetName: agent.name,
    detail: {
      ...{ agentName: agent.name, address: "10.0.0.7", awaySince: expect.any(String) },
      ...{ agentRestarted: true, hostRebooted: false, controllerChanged: false },
    },
  });
  // What has ended is not told any more.
  await openSession(t.ctx, peer, hello("process-3", "boot-2"));
  expect(await entryOf(execution, "agent.reconnected")).toMatchObject({ detail: { hostRebooted: true } });
});

test("a gap, an adoption, a hole and a lost step are told with their place", async () => {
  const { agent, offer, execution } = await running();
  await agent.say(offer, { kind: "tryAdopted", stepId: "step-1", try: 1, pid: 4711 });
  const [, beyond] = agent.events(offer, starting(), starting());
  await agent.send([beyond!]);
  await agent.push(piece(offer, 0n, Buffer.from("abc")));
  await agent.send([
    {
      ...beyond!,
      seq: beyond!.seq - 1n,
      body: { ...finishedTry(Buffer.from("abc")), gaps: [{ offset: 1n, omittedBytes: 900n }] },
    },
  ]);
  expect((await entryOf(execution, "step.adopted"))?.detail).toEqual({ stepId: "step-1", try: 1, pid: 4711 });
  expect((await entryOf(execution, "stream.rewound"))?.detail).toEqual({ stream: "events", from: 5 });
  expect((await entryOf(execution, "output.gap"))?.detail).toEqual({
    stepId: "step-1",
    try: 1,
    omittedBytes: 900,
    gaps: 1,
  });
});

test("a cancel is told with who asked, and again when an agent that was away hears of it", async () => {
  const { agent, offer, execution } = await running();
  await agent.disconnect();
  await cancelExecution(t.ctx, tester, { execution, reason: "wrong host" });
  await cancelExecution(t.ctx, tester, { execution, reason: "again" });
  await agent.connect([{ ...offer, state: "running", lastSeq: 3n }]);
  const { items } = await timelineOf(execution);
  expect(items.map((e) => e.kind)).toEqual([
    "cancel.told",
    "cancel.requested",
    "execution.started",
    "execution.created",
  ]);
  expect(items[1]!.detail).toEqual({ by: "tester", reason: "wrong host", ended: 0, asked: 1 });
});

test("a timeline is read page by page and by target", async () => {
  const { agent, offer, execution } = await running();
  for (let i = 0; i < 5; i++) await agent.say(offer, { kind: "tryAdopted", stepId: "step-1", try: 1, pid: i + 1 });
  const pages = [];
  let cursor: string | undefined;
  do {
    const page = await timelineOf(execution, { limit: 2, ...(cursor && { cursor }) });
    pages.push(page.items.map((e) => (e.kind === "step.adopted" ? e.detail.pid : e.kind)));
    cursor = page.nextCursor;
  } while (cursor);
  expect(pages).toEqual([
    [5, 4],
    [3, 2],
    [1, "execution.started", "execution.created"],
  ]);
  const of = async (target: string) =>
    (await timelineOf(execution, { target })).items.filter((e) => e.kind === "step.adopted").length;
  expect([await of(agent.name), await of(agent.targetId), await of("another")]).toEqual([5, 5, 0]);
});
