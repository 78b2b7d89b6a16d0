import { afterAll, beforeAll, expect, test } from "vitest";
import { FakeAgent } from "../automation/testing/fake-agent.ts";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { StaleSession } from "./agent-link.ts";
import { lockAgent, raiseEpoch } from "./session-queries.ts";
import { storeFacts } from "./store-facts.ts";

let t: TestContext;
beforeAll(async () => {
  t = await testContext();
});
afterAll(() => t.close());

test("facts hold nothing that makes one look like another", async () => {
  const agent = await FakeAgent.connected(t, "web-2");
  const told = { "os\u200b": { name: "De\u202ebian", motd: "one\ntwo\tthree\r\n\x1b[2J", nul: "a\0b" } };
  await storeFacts(t.ctx, agent.session, Buffer.from(JSON.stringify(told)));
  const [row] = await t.ctx.sql<{ facts: unknown }[]>`select facts from fleet.agents where id = ${agent.id}`;
  const os = { name: "De\ufffdbian", motd: "one\ntwo\tthree\r\n\ufffd[2J", nul: "ab" };
  expect(row!.facts).toEqual({ "os\ufffd": os });
});

test("facts that meet a newer hello wait for it and give way, instead of a deadlock", async () => {
  const agent = await FakeAgent.connected(t, "web-1");
  const isWaiting = async () => {
    const [row] = await t.db.owner`select count(*) as n from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    return Number(row!.n);
  };
  let stored: Promise<unknown> | undefined;
  await t.ctx.sql.begin(async (tx) => {
    await lockAgent(tx, agent.id);
    stored = storeFacts(t.ctx, agent.session, Buffer.from("{}")).catch((error: unknown) => error);
    await expect.poll(isWaiting).toBe(1);
    const peer = { serial: "1", remoteAddress: "", bootId: "", incarnation: "i", pastIncarnations: [] };
    await raiseEpoch(tx, { ...peer, agentId: agent.id, controllerId: t.ctx.controllerId, now: t.ctx.now() });
  });
  expect(await stored).toBeInstanceOf(StaleSession);
});
