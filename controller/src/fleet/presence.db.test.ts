import { afterAll, beforeAll, expect, test } from "vitest";
import { FakeAgent } from "../automation/testing/fake-agent.ts";
import { tester } from "../automation/testing/save-test-job.ts";
import { type TestContext, testContext } from "../testing/test-context.ts";
import type { FleetLink } from "./fleet-link.ts";
import { getAgent } from "./get-agent.ts";
import type { LinkRegistry } from "./links.ts";
import { Presence } from "./presence.ts";

let t: TestContext;
let presence: Presence;
beforeAll(async () => {
  t = await testContext();
  presence = new Presence(t.ctx, t.links as LinkRegistry<FleetLink>);
});
afterAll(() => t.close());

const stateOf = async (agent: FakeAgent) => (await getAgent(t.ctx, tester, { idOrName: agent.id })).state;

test("a session whose stream is gone is closed although nobody could record its end, and no other", async () => {
  const [gone, held, new_] = [
    await FakeAgent.connected(t, "gone"),
    await FakeAgent.connected(t, "held"),
    await FakeAgent.connected(t, "new"),
  ];
  await t.ctx.sql`update fleet.agent_sessions set connected_at = now() - interval '2 minutes'
    where agent_id = any(${[gone.id, held.id]})`;
  for (const agent of [gone, new_]) t.links.remove(t.links.get(agent.id)!); // the database was away at this moment
  await presence.closeLost();
  expect([await stateOf(gone), await stateOf(held), await stateOf(new_)]).toEqual(["offline", "online", "online"]);
});
