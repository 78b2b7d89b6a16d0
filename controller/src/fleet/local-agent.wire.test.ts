// The local agent as a real process against real listeners.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@opsconductor/contract/testing/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestController, type TestController } from "../grpc/testing/test-controller.ts";
import { processStart } from "../process-start.ts";
import type { Running } from "../service.ts";
import { testActor } from "../testing/test-context.ts";
import { listAgents } from "./list-agents.ts";
import { localAgent } from "./local-agent.ts";
import { revokeAgent } from "./revoke-agent.ts";

let c: TestController;
let stopping: AbortController;
let service: Running | undefined;
const dataDir = mkdtempSync(join(tmpdir(), "oc-local-agent-"));
const pidFile = join(dataDir, "local-agent", "agent.pid");
beforeAll(async () => {
  const at = async () => ({ host: "127.0.0.1", port: await freePort() });
  c = await startTestController({ dataDir, localAgent: true, agentAddr: await at(), apiAddr: await at() });
});
afterAll(async () => {
  await stopService();
  await c.close();
  rmSync(dataDir, { recursive: true, force: true });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

async function startService(): Promise<void> {
  stopping = new AbortController();
  service = await localAgent.start({ ...c.ctx, signal: stopping.signal });
}
/** Without `service.stop()` this is a controller that was killed. */
async function stopService(): Promise<void> {
  stopping?.abort();
  await service?.stop();
}
const agents = async () => (await listAgents(c.ctx, testActor(), { limit: 10 })).items;
const agent = async () => (await agents())[0]!;
const pid = () => (JSON.parse(readFileSync(pidFile, "utf8")) as { pid: number }).pid;
const online = () => until("the local agent is online", async () => (await agent())?.state === "online");
const epoch = () => [...c.links.all()][0]?.session.epoch;

test("the first start enrols it, and nothing of the controller's environment reaches it", async () => {
  await startService();
  await online();
  expect(await agents()).toHaveLength(1);
  const environment = readFileSync(`/proc/${pid()}/environ`, "utf8").split("\0");
  expect(
    environment
      .map((line) => line.split("=")[0])
      .filter(Boolean)
      .sort(),
  ).toEqual(["HOME", "LANG", "LOGNAME", "MALLOC_ARENA_MAX", "MALLOC_TRIM_THRESHOLD_", "PATH", "SHELL", "USER"]);
  expect(readFileSync(`/proc/${pid()}/cmdline`, "utf8")).not.toContain("oc1.");
});

test("one that was killed comes back as the same agent", async () => {
  const killed = pid();
  process.kill(killed, "SIGKILL");
  await until("another process", () => pid() !== killed && processStart(pid()) !== undefined);
  await until("a second session", () => epoch() === 2n);
  expect(await agents()).toHaveLength(1);
});

test("one that outlived a killed controller is adopted", async () => {
  const before = pid();
  stopping.abort(); // the supervision ends, the agent does not
  await startService();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(pid()).toBe(before);
  expect(epoch()).toBe(2n);
});

test("a graceful stop ends it", async () => {
  const before = pid();
  await stopService();
  expect(processStart(before)).toBeUndefined();
  await until("offline", async () => (await agent()).state === "offline");
});

test("an agent that somebody revoked is not started again", async () => {
  await revokeAgent(c.ctx, testActor(), { id: (await agent()).id, reason: "not here" });
  await startService();
  await stopService();
  expect(await agents()).toHaveLength(1);
  expect([...c.links.all()]).toEqual([]);
});

test("an identity of another database is set aside and the host enrols anew", async () => {
  await c.ctx.sql`delete from fleet.agent_sessions`;
  await c.ctx.sql`update assets.targets set managed_by_agent_id = null`;
  await c.ctx.sql`delete from fleet.agents`;
  await startService();
  await online();
  expect(await agents()).toHaveLength(1);
});
