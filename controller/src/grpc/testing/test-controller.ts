// Both listeners on free ports of loopback over a fresh database, with fake or real work behind them, for
// *.wire.test.ts.
import type { Config } from "../../config.ts";
import { systemActor } from "../../context.ts";
import type { AgentWork } from "../../fleet/agent-link.ts";
import { createEnrollmentToken } from "../../fleet/create-enrollment-token.ts";
import { LinkRegistry } from "../../fleet/links.ts";
import { Presence } from "../../fleet/presence.ts";
import { type TestContext, testContext } from "../../testing/test-context.ts";
import type { HelloLimits } from "../admission.ts";
import type { AgentStream } from "../agent-stream.ts";
import { type Listeners, startListeners } from "../start-listeners.ts";
import { FakeWork } from "./fake-work.ts";

const anyPort = { host: "127.0.0.1", port: 0 };

export interface TestController<W extends AgentWork = FakeWork> {
  t: TestContext;
  ctx: TestContext["ctx"];
  work: W;
  links: LinkRegistry<AgentStream>;
  presence: Presence;
  listeners: Listeners;
  newToken(): Promise<string>;
  close(): Promise<void>;
}

export async function startTestController(
  overrides: Partial<Config> = {},
  hellos?: HelloLimits,
): Promise<TestController> {
  return await start(await testContext({ agentAddr: anyPort, apiAddr: anyPort, ...overrides }), new FakeWork(), hellos);
}

/** With the real work behind the listeners, as in a running controller. */
export async function startWholeController(): Promise<TestController<AgentWork>> {
  const t = await testContext({ agentAddr: anyPort, apiAddr: anyPort });
  const whole = await start(t, t.ctx.automation.work);
  t.ctx.automation.useLinks(whole.links);
  return whole;
}

async function start<W extends AgentWork>(t: TestContext, work: W, hellos?: HelloLimits): Promise<TestController<W>> {
  const links = new LinkRegistry<AgentStream>();
  const presence = new Presence(t.ctx, links);
  await presence.start();
  const listeners: Listeners = await startListeners(t.ctx, {
    ...{ work, links, presence, ...(hellos && { hellos }) },
    addresses: () => ({
      agentAddress: `127.0.0.1:${listeners.agentPort}`,
      apiAddress: `127.0.0.1:${listeners.apiPort}`,
    }),
  });
  const newToken = async () =>
    (await createEnrollmentToken(t.ctx, systemActor, { expiresIn: "30m", labels: {} })).token;
  const close = async () => {
    await listeners.stop();
    await t.close();
  };
  return { t, ctx: t.ctx, work, links, presence, listeners, newToken, close };
}
