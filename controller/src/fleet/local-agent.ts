// The agent of this machine that `npm start` brings along: enrolled once, kept running, adopted when it outlived a
// controller that was killed. A service of main.ts, only with OC_LOCAL_AGENT=1.
import { setTimeout as sleep } from "node:timers/promises";
import type { Address } from "../config.ts";
import { type Context, systemActor } from "../context.ts";
import type { Service } from "../service.ts";
import { createEnrollmentToken } from "./create-enrollment-token.ts";
import { LocalAgentProcess } from "./local-agent-process.ts";
import { trustOf } from "./session-queries.ts";

const lookEveryMs = 500;
const firstWaitMs = 500;
const mostWaitMs = 30_000;
/** One that ran this long was well: the next failure counts as the first. */
const steadyMs = 60_000;

export const localAgent: Service = {
  name: "local agent",
  start(ctx) {
    if (!ctx.config.localAgent) return { stop() {} };
    const agent = new LocalAgentProcess(ctx.config.dataDir);
    const supervision = supervise(ctx, agent).catch((err: unknown) => {
      if (!ctx.signal.aborted) ctx.log.error({ err }, "local_agent.failed");
    });
    return {
      async stop() {
        await supervision;
        await agent.stop();
      },
    };
  },
};

async function supervise(ctx: Context, agent: LocalAgentProcess): Promise<void> {
  let failures = 0;
  while (!ctx.signal.aborted && (await mayRun(ctx, agent))) {
    const startedAt = performance.now();
    await runOnce(ctx, agent);
    if (ctx.signal.aborted) return;
    failures = performance.now() - startedAt > steadyMs ? 1 : failures + 1;
    const waitMs = Math.min(mostWaitMs, firstWaitMs * 2 ** (failures - 1));
    ctx.log.warn({ waitMs, log: `${ctx.config.dataDir}/local-agent/agent.log` }, "local_agent.ended");
    await pause(ctx, waitMs);
  }
}

/** False when somebody revoked it: that decision stands until the folder is removed. */
async function mayRun(ctx: Context, agent: LocalAgentProcess): Promise<boolean> {
  const id = agent.agentId();
  if (id === undefined) return true;
  const [row] = await trustOf(ctx.sql, [id]);
  if (!row) {
    await agent.stop();
    agent.setIdentityAside(ctx.now());
    ctx.log.warn({ agentId: id }, "local_agent.of_another_database");
  }
  if (row?.status !== "revoked") return true;
  ctx.log.warn({ agentId: id, folder: agent.stateDir }, "local_agent.revoked");
  return false;
}

async function runOnce(ctx: Context, agent: LocalAgentProcess): Promise<void> {
  const { apiAddr, agentAddr } = ctx.config;
  const addresses = { server: fromHere(apiAddr), dial: fromHere(agentAddr), token: undefined };
  const adopted = agent.running(addresses);
  if (adopted) ctx.log.info({ pid: adopted }, "local_agent.adopted");
  else {
    await agent.stop(); // one that was started by another version, or for other ports
    const token = agent.agentId() === undefined ? await newToken(ctx) : undefined;
    const pid = agent.start({ ...addresses, token });
    ctx.log.info({ pid }, "local_agent.started");
  }
  while (!ctx.signal.aborted && agent.running(addresses)) await pause(ctx, lookEveryMs);
}

async function newToken(ctx: Context): Promise<string> {
  const input = { expiresIn: "5m", labels: {}, namePattern: undefined };
  return (await createEnrollmentToken(ctx, systemActor, input)).token;
}

/** How this machine reaches one of its own listeners. */
function fromHere({ host, port }: Address): string {
  if (host === "0.0.0.0" || host === "") return `127.0.0.1:${port}`;
  if (host === "::") return `[::1]:${port}`;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

async function pause(ctx: Context, ms: number): Promise<void> {
  await sleep(ms, undefined, { signal: ctx.signal }).catch(() => {});
}
