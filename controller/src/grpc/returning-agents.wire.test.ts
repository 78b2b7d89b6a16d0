import { setTimeout as sleep } from "node:timers/promises";
import { until } from "@opsconductor/contract/testing/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import { getAgent } from "../fleet/get-agent.ts";
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
  c = await startTestController({}, { atOnce: 4, mostWaiting: 20 });
});
afterAll(() => c.close());

const actor = testActor();
const stateOf = async (id: Identity) => (await getAgent(c.ctx, actor, { idOrName: id.response.agentId })).state;

test("an agent that says nothing for 25 s is given up, and shown as offline", async () => {
  const id = await enrollFakeAgent(c);
  const stream = await connectFakeAgent(c, id);
  const link = c.links.get(id.response.agentId)!;
  link.heardAtMs = performance.now() - 24_000;
  await sleep(1_500); // at least one look at it
  expect(stream.all("goodbye")).toEqual([]);
  link.heardAtMs -= 2_000;
  expect((await stream.next("goodbye")).code).toBe("dead");
  await until("offline", async () => (await stateOf(id)) === "offline");
  stream.close();
});

test("of an agent that fell silent before its connection ended, the silence is told and not the ending", async () => {
  const id = await enrollFakeAgent(c);
  const stream = await connectFakeAgent(c, id);
  c.links.get(id.response.agentId)!.heardAtMs -= 15_000;
  stream.close();
  const reason = async () =>
    (
      await c.ctx.sql<{ closeReason: string | null }[]>`
        select close_reason from fleet.agent_sessions where agent_id = ${id.response.agentId}`
    )[0]?.closeReason;
  await until("closed with a reason", async () => /^no sign of life for 1[56] s$/.test((await reason()) ?? ""));
});

test("the controller is heard of although it has nothing to say", async () => {
  const stream = await connectFakeAgent(c, await enrollFakeAgent(c));
  const heard = await stream.next("heartbeat");
  expect(heard.sequence).toBe(1n);
  expect(Math.abs(Number(heard.nowMs) - Date.now())).toBeLessThan(5_000);
  stream.close();
});

test("a hundred agents that come back at once are all back soon: some are asked to wait, none is refused", async () => {
  const ids: Identity[] = [];
  for (let round = 0; round < 10; round++)
    ids.push(...(await Promise.all(Array.from({ length: 10 }, () => enrollFakeAgent(c)))));
  const arrivals = await Promise.all(ids.map(comeBack));
  expect(c.links.size).toBeGreaterThanOrEqual(100);
  expect(arrivals.some(({ waits }) => waits > 0)).toBe(true);
  expect(Math.max(...arrivals.map(({ waits }) => waits))).toBeLessThanOrEqual(3);
  for (const { stream } of arrivals) stream.close();
}, 90_000);

/** As an agent does: it comes again when it was told to. */
async function comeBack(id: Identity): Promise<{ stream: FakeStream; waits: number }> {
  for (let waits = 0; ; waits++) {
    const stream = new FakeStream(agentClient(c, id));
    stream.send({ $case: "hello", value: helloOf() });
    await until("an answer", () => stream.received.length > 0 || stream.error);
    if (stream.error) throw stream.error;
    if (stream.all("welcome").length > 0) return { stream, waits };
    const { code, retryAfterMs } = await stream.next("goodbye");
    expect(code).toBe("retry_later");
    expect(retryAfterMs).toBeGreaterThanOrEqual(1_000);
    expect(retryAfterMs).toBeLessThanOrEqual(10_000);
    stream.close();
    await sleep(retryAfterMs);
  }
}
