// The daemon: takes the state folder for itself, builds the host side, keeps the link up until asked to stop. Called by
// the CLI's `run`.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import type { Host } from "./host.ts";
import { Link } from "./link.ts";
import { requestInChild } from "./request-in-child.ts";
import type { Identity, StateFolder } from "./state-folder.ts";
import { takeStateLock } from "./state-lock.ts";
import { type AgentStatus, StatusFile } from "./status-file.ts";

export interface RunOptions {
  state: StateFolder;
  log: Logger;
  version: string;
  /** The file that this process was started with: asked for certificate requests in a process of its own. */
  program: string;
  createHost(): Host & { readonly failure: Promise<string>; close(): void };
  /** Called when this host has no identity yet; undefined: that is an error. */
  enroll: (() => Promise<Identity>) | undefined;
  /** host:port of AgentService, instead of the one told at the enrolment. */
  dial: string | undefined;
  /** False where the environment names a proxy, through which grpc-js then goes. */
  dialsDirectly: boolean;
  signal: AbortSignal;
}

/** A start that cannot be: the message says what to do. */
export class CannotRun extends Error {
  override readonly name = "CannotRun";
}

/** The exit code of an agent that cannot use its state folder: EX_IOERR of sysexits.h. The service starts it again. */
export const stateFailedExit = 74;

/** The state folder cannot be used: the message says why, and what to do. */
export class StateFailed extends Error {
  override readonly name = "StateFailed";
}

/** Until the heartbeat that says why the agent goes is on its way. */
const lastWordMs = 250;

/** Resolves after a clean stop, throws StateFailed where only another process can go on; steps that run go on and are found at the next start. */
export async function runAgent(options: RunOptions): Promise<void> {
  const { state } = options;
  const lock = takeStateLock(state.file("lock.db"));
  if (!lock) throw new CannotRun(`Another agent is running with ${state.path}: stop it first`);
  try {
    await connectAs(await identityOf(options), options);
  } finally {
    lock.release();
  }
}

async function identityOf({ state, enroll, dial }: RunOptions): Promise<Identity> {
  const identity = state.identity() ?? (await enroll?.());
  if (!identity)
    throw new CannotRun(
      `This host is not enrolled (no identity in ${state.path}): run "opsconductor-agent enroll --join TOKEN --server HOST:3444"`,
    );
  return dial === undefined ? identity : { ...identity, agentAddress: dial };
}

async function connectAs(identity: Identity, options: RunOptions): Promise<void> {
  const { state, log, version, dialsDirectly, signal } = options;
  const status = new StatusFile(state.file("status.json"), firstStatus(identity, version));
  const host = tryCreateHost(options, status);
  try {
    const { agentId, agentName } = identity;
    log.info({ version, agentId, agentName, address: identity.agentAddress }, "agent.started");
    const makeRequest = () => requestInChild(options.program);
    const incarnation = randomUUID();
    const failed = new AbortController();
    const stopping = AbortSignal.any([signal, failed.signal]);
    void host.failure.then(async (reason) => {
      status.update({ degraded: reason });
      await sleep(lastWordMs);
      failed.abort();
    });
    const link = { state, identity, host, log, status, version, incarnation, makeRequest, dialsDirectly };
    await new Link({ ...link, signal: stopping }).run();
    status.update({ state: "waiting", reason: "the agent was stopped" });
    log.info("agent.stopped");
    if (failed.signal.aborted) throw new StateFailed(host.degraded());
  } finally {
    host.close();
  }
}

function tryCreateHost({ createHost, log }: RunOptions, status: StatusFile): ReturnType<RunOptions["createHost"]> {
  try {
    return createHost();
  } catch (error) {
    const { message } = error as Error;
    log.fatal({ err: error }, "agent.state_failed");
    status.update({ state: "waiting", reason: "the agent could not start", degraded: message });
    throw new StateFailed(message, { cause: error });
  }
}

function firstStatus({ agentId, agentName, clusterId }: Identity, version: string): AgentStatus {
  const now = new Date().toISOString();
  return {
    pid: process.pid,
    version,
    startedAt: now,
    agentId,
    agentName,
    clusterId,
    state: "connecting",
    since: now,
    reason: "",
    address: "",
    controllerId: "",
    certificateNotAfter: "",
    runningAttempts: 0,
    spooledBytes: 0,
    degraded: "",
  };
}
