// An enrolled agent with its link running against a fake controller, for *.wire.test.ts.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { makeCertificateRequest } from "../certificate-request.ts";
import { enroll } from "../enroll.ts";
import { Link } from "../link.ts";
import type { Identity } from "../state-folder.ts";
import { StateFolder } from "../state-folder.ts";
import { type AgentStatus, readStatus, StatusFile } from "../status-file.ts";
import type { FakeController } from "./fake-controller.ts";
import { FakeHost } from "./fake-host.ts";

export interface LinkedAgent {
  host: FakeHost;
  state: StateFolder;
  identity: Identity;
  status(): AgentStatus;
  /** What it has logged as `event`. */
  logged(event: string): Record<string, unknown>[];
  stop(): Promise<void>;
}

export async function enrolledState(controller: FakeController): Promise<{ state: StateFolder; identity: Identity }> {
  const state = new StateFolder(mkdtempSync(join(tmpdir(), "oc-agent-test-")));
  const identity = await enroll({
    state,
    token: controller.token,
    server: `127.0.0.1:${controller.apiPort}`,
    name: "web-1",
    version: "0.1.0",
    makeRequest: makeCertificateRequest,
  });
  return { state, identity };
}

export async function startLinkedAgent(
  controller: FakeController,
  prepared?: { state: StateFolder; identity: Identity },
  host = new FakeHost(),
): Promise<LinkedAgent> {
  const { state, identity } = prepared ?? (await enrolledState(controller));
  const stopping = new AbortController();
  const lines: Record<string, unknown>[] = [];
  const link = new Link({
    ...{ state, identity, host },
    log: pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) }),
    status: new StatusFile(state.file("status.json"), firstStatus(identity)),
    version: "0.1.0",
    incarnation: `test-${Math.random()}`,
    makeRequest: makeCertificateRequest,
    dialsDirectly: true,
    signal: stopping.signal,
  });
  const running = link.run();
  const stop = async () => {
    stopping.abort();
    await running;
    rmSync(state.path, { recursive: true, force: true });
  };
  const logged = (event: string) => lines.filter((line) => line.msg === event);
  return { host, state, identity, status: () => readStatus(state.file("status.json"))!, logged, stop };
}

function firstStatus({ agentId, agentName, clusterId }: Identity): AgentStatus {
  const now = new Date().toISOString();
  return {
    ...{ pid: process.pid, version: "0.1.0", startedAt: now, agentId, agentName, clusterId },
    ...{ state: "connecting", since: now, reason: "", address: "", controllerId: "", certificateNotAfter: "" },
    ...{ runningAttempts: 0, spooledBytes: 0, degraded: "" },
  };
}
