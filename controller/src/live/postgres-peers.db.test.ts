// Two controllers of one database, without any poll: what one of them knows reaches the other at once.
import type { LiveEvent } from "@opsconductor/contract/api/events";
import { until } from "@opsconductor/contract/testing/until";
import { connect } from "@opsconductor/database/connect";
import { Registry } from "prom-client";
import { v7 } from "uuid";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAutomation } from "../automation/automation.ts";
import { cancelExecution } from "../automation/cancel-execution.ts";
import { getLimits, setLimits } from "../automation/limits.ts";
import { FakeAgent } from "../automation/testing/fake-agent.ts";
import { execute, saveTestJob, tester } from "../automation/testing/save-test-job.ts";
import { LinkRegistry } from "../fleet/links.ts";
import { type TestContext, testContext } from "../testing/test-context.ts";
import { createLive } from "./in-process.ts";
import { liveWithPeers, PostgresPeers } from "./postgres-peers.ts";

let t: TestContext;
let other: TestContext;
beforeAll(async () => {
  t = await testContext();
  other = await anotherController(t);
  await saveTestJob(t, "work");
  await t.ctx.peers.look();
  await other.ctx.peers.look();
});
afterAll(async () => {
  await t.ctx.peers.stop();
  await other.close();
  await t.close();
});

/** On the same database, with connections of its own. */
async function anotherController(first: TestContext): Promise<TestContext> {
  const sql = connect(first.db.connections.app, { max: 3 });
  const base = { ...first.ctx, sql, controllerId: v7(), metrics: new Registry() };
  const peers = new PostgresPeers(base);
  const parts = { ...base, peers, live: liveWithPeers(createLive(base.log), peers) };
  const links = new LinkRegistry();
  const automation = createAutomation(parts);
  automation.useLinks(links);
  await insertLease(first, base.controllerId);
  const close = async () => {
    await peers.stop();
    await automation.dispatcher.idle();
    await sql.end();
  };
  return { ...first, ctx: { ...parts, automation }, links, close };
}

async function insertLease(on: TestContext, id: string): Promise<void> {
  await on.ctx.sql`insert into fleet.controllers (id, started_at, lease_until, version, hostname)
    values (${id}, now(), now() + interval '1 day', '0.0.0', 'other')`;
}

test("work for an agent of another controller is offered at once, and so is its cancel", async () => {
  const agent = await FakeAgent.connected(other, "there");
  const { id } = await execute(t, "work", ["there"]);
  await until("the offer", () => agent.offers.length);
  await agent.say(agent.offers[0]!, { kind: "accepted" });
  await cancelExecution(t.ctx, tester, { execution: id, reason: "enough" });
  await until("the word to stop", () => agent.desires.find((desire) => desire.want === "cancel"));
});

test("pages see what another controller records, once", async () => {
  const agent = await FakeAgent.connected(other, "seen");
  const events: LiveEvent[] = [];
  const page = t.ctx.live.subscribe(["executions"], undefined, (_, event) => events.push(event));
  const { id } = await execute(t, "work", ["seen"]);
  await until("the offer", () => agent.offers.length);
  await agent.run(agent.offers[0]!, Buffer.from("done\n"));
  const states = () =>
    events.flatMap((e) => (e.kind === "execution" && e.execution.id === id ? [e.execution.state] : []));
  await until("the end", () => states().includes("succeeded"));
  page.close();
  expect(states().filter((state) => state === "succeeded")).toHaveLength(1);
});

test("a limit that is lifted lets work begin everywhere", async () => {
  const agent = await FakeAgent.connected(other, "limited");
  const { revision, ...before } = await getLimits(t.ctx, tester);
  const settings = {
    agentLimit: 1,
    fleetLimit: null,
    brakeJob: null,
    brakeUser: null,
    brakeSeconds: before.brakeSeconds,
    brakeUnfinished: null,
  };
  const limited = await setLimits(t.ctx, tester, { ...settings, revision });
  for (let n = 0; n < 2; n++) await execute(t, "work", ["limited"]);
  await until("the first offer", () => agent.offers.length);
  await other.ctx.automation.dispatcher.idle();
  expect(agent.offers).toHaveLength(1);
  await setLimits(t.ctx, tester, { ...settings, agentLimit: null, revision: limited.revision });
  await until("the second", () => agent.offers.length === 2);
});

test("who lost the connection that it listens on listens again", async () => {
  const agent = await FakeAgent.connected(other, "cut");
  const cut = await t.db.owner`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and query like 'listen%'`;
  expect(cut.length).toBeGreaterThan(0);
  await execute(t, "work", ["cut"]);
  await until("the offer", async () => {
    await other.ctx.peers.look();
    t.ctx.automation.dispatcher.wake([agent.id]);
    return agent.offers.length;
  });
});

test("whoever is alone tells nothing, and what is no message is passed over", async () => {
  const agent = await FakeAgent.connected(other, "alone");
  const notify = (text: string) => t.db.sql.notify("opsconductor_peers", text);
  for (const text of [
    "",
    "{",
    '{"from":"x","messages":[{"wake":5}]}',
    '{"from":"x","messages":[{"event":{"kind":"y"}}]}',
  ])
    await notify(text);
  await t.db.owner`update fleet.controllers set lease_until = now() - interval '1 s'
    where id = ${other.ctx.controllerId}`;
  await t.ctx.peers.look();
  const heard: string[] = [];
  const { unlisten } = await t.db.sql.listen("opsconductor_peers", (text) => heard.push(text));
  const { id } = await execute(t, "work", ["alone"]);
  await t.ctx.peers.stop(); // what was under way is out
  await notify(JSON.stringify({ from: "x", messages: [{ wake: [agent.id] }] }));
  await until("the offer", () => agent.offers.length);
  // Of the tests before something may still have been on its way, and the other one tells what it offers.
  const isOurs = (text: string) =>
    !text.includes(other.ctx.controllerId) && (text.includes(id) || text.includes(agent.id));
  expect(heard.filter(isOurs)).toEqual([expect.stringContaining('"from":"x"')]);
  await unlisten();
});
