// Many agents in this process, each with its own identity, certificate, TLS connection and link of the real agent, and a
// host that does nothing. Called by the benchmarks that need more hosts than a machine has.
import { join } from "node:path";
import { pino } from "pino";
import { makeCertificateRequest } from "../../agent/src/link/certificate-request.ts";
import { enroll } from "../../agent/src/link/enroll.ts";
import { Link } from "../../agent/src/link/link.ts";
import { type Identity, StateFolder } from "../../agent/src/link/state-folder.ts";
import { StatusFile } from "../../agent/src/link/status-file.ts";
import type { Api } from "../../e2e/devstack/api.ts";
import type { Devstack } from "../../e2e/devstack/devstack.ts";
import { waitFor } from "../../e2e/devstack/wait-for.ts";
import { SimulatedHost } from "./simulated-host.ts";

const version = "0.1.0";
const enrolAtOnce = 8;
const patience = { timeoutMs: 300_000, everyMs: 200 };

export interface SimulatedFleet {
  names: string[];
  hosts: ReadonlyMap<string, SimulatedHost>;
  stop(): Promise<void>;
}

/**
 * Resolves when the controller shows all of them as online. `prefix`: of their names, also the value of their label fleet.
 * On those that `fails` names every first step fails.
 */
export async function startFleet(
  stack: Devstack,
  api: Api,
  count: number,
  prefix = "sim",
  fails: ReadonlySet<string> = new Set(),
): Promise<SimulatedFleet> {
  const stopping = new AbortController();
  const links: Promise<void>[] = [];
  const names = Array.from({ length: count }, (_, index) => `${prefix}-${String(index).padStart(5, "0")}`);
  const hosts = new Map(names.map((name) => [name, new SimulatedHost(fails.has(name))]));
  const waiting = [...names];
  const enrolRest = async () => {
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop())
      links.push((await enrolOne(stack, api, { name, prefix, host: hosts.get(name)!, signal: stopping.signal })).run());
  };
  await Promise.all(Array.from({ length: enrolAtOnce }, enrolRest));
  await untilOnline(stack, count);
  const stop = async () => {
    stopping.abort();
    await Promise.all(links);
  };
  return { names, hosts, stop };
}

async function enrolOne(
  stack: Devstack,
  api: Api,
  { name, prefix, host, signal }: { name: string; prefix: string; host: SimulatedHost; signal: AbortSignal },
): Promise<Link> {
  const { token } = await api.post<{ token: string }>("/api/v1/enrollment-tokens", { labels: { fleet: prefix } });
  const state = new StateFolder(join(stack.folder, "fleet", name));
  const makeRequest = makeCertificateRequest;
  const identity = await patiently(() =>
    enroll({ state, token, server: stack.apiAddress, name, version, makeRequest }),
  );
  return new Link({
    ...{ state, identity, version, makeRequest, signal, host, incarnation: name },
    ...{ log: pino({ level: "silent" }), dialsDirectly: true },
    status: new StatusFile(state.file("status.json"), firstStatus(identity)),
  });
}

/** A thousand handshakes on a busy machine: some are cut off before they begin, and a token is not used up by that. */
async function patiently<T>(connect: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await connect();
    } catch (error) {
      if (tries === 10 || (error as NodeJS.ErrnoException).code !== "ECONNRESET") throw error;
    }
  }
}

export async function untilOnline(stack: Devstack, count: number): Promise<void> {
  const connected = async () => {
    const metrics = await (await fetch(`${stack.url}/metrics`)).text();
    return Number(/^oc_agents_connected (\d+)/m.exec(metrics)?.[1]) >= count;
  };
  await waitFor(`${count} agents to be connected`, connected, patience);
}

function firstStatus({ agentId, agentName, clusterId }: Identity) {
  const now = new Date().toISOString();
  return {
    ...{ pid: process.pid, version, startedAt: now, agentId, agentName, clusterId, since: now, reason: "" },
    ...{ state: "connecting" as const, address: "", controllerId: "", certificateNotAfter: "", degraded: "" },
    ...{ runningAttempts: 0, spooledBytes: 0 },
  };
}
