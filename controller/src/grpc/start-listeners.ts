// Starts both gRPC listeners and the beat of the open streams; called by agent-listeners.ts, and by tests.
import type { ServerOptions } from "@grpc/grpc-js";
import { type MethodRequirement, methodRequirements } from "@opsconductor/contract/permissions";
import { AgentServiceService, EnrollmentServiceService } from "@opsconductor/proto/opsconductor/agent/v1/agent";
import type { Address } from "../config.ts";
import type { Context } from "../context.ts";
import type { AgentWork } from "../fleet/agent-link.ts";
import { machineNames } from "../fleet/certificate-authority.ts";
import type { LinkRegistry } from "../fleet/links.ts";
import type { Presence } from "../fleet/presence.ts";
import { cannotListen } from "../start-refused.ts";
import { Admission, type HelloLimits } from "./admission.ts";
import { agentService } from "./agent-service.ts";
import type { AgentStream } from "./agent-stream.ts";
import { deadAfterMs, heartbeatMs } from "./connect.ts";
import { MtlsServerCredentials, TlsServerCredentials } from "./credentials.ts";
import { type DialAddresses, enrollmentService } from "./enrollment-service.ts";
import { Listener } from "./listener.ts";

const beatEveryMs = 1_000;
/** Long before the 30 days are over, so that a controller that runs for months never shows an old certificate. */
const reissueEveryMs = 7 * 86_400_000;
const hellosAtOnce: HelloLimits = { atOnce: 16, mostWaiting: 400 };

const commonOptions: ServerOptions = {
  "grpc.enable_channelz": 0,
  // The agents' pings and heartbeats say sooner that a link is dead; these end connections on which nobody calls.
  "grpc.keepalive_time_ms": 60_000,
  "grpc.keepalive_timeout_ms": 10_000,
  "grpc.max_connection_idle_ms": 60_000,
};
const agentOptions: ServerOptions = {
  ...commonOptions,
  "grpc.max_receive_message_length": 4 * 1024 * 1024, // one step's outputs take up to 2 MiB
  "grpc.max_concurrent_streams": 16,
  // The default of 64 KiB would make the round trip the limit of every transfer.
  "grpc-node.flow_control_window": 1024 * 1024,
};
const apiOptions: ServerOptions = {
  ...commonOptions,
  "grpc.max_receive_message_length": 16 * 1024,
  "grpc.max_concurrent_streams": 16,
};

export interface Listeners {
  agentPort: number;
  apiPort: number;
  /** A fresh certificate for new connections; open streams are not touched. */
  reissue(): Promise<void>;
  /** Ends the streams with a goodbye, then the connections. */
  stop(): Promise<void>;
}

export interface ListenersNeed {
  work: AgentWork;
  links: LinkRegistry<AgentStream>;
  presence: Presence;
  /** Asked at each enrolment. */
  addresses: () => DialAddresses;
  /** How many hellos are in work at once, and how many wait for that. */
  hellos?: HelloLimits;
}

export async function startListeners(ctx: Context, need: ListenersNeed): Promise<Listeners> {
  const names = () => machineNames(configuredHosts(ctx));
  const certificate = await ctx.authority.issueControllerCertificate(names());
  const mtls = new MtlsServerCredentials(ctx.authority.bundlePem, certificate);
  const tls = new TlsServerCredentials(certificate);
  const agents = new Listener(mtls, agentOptions, ctx.now);
  const api = new Listener(tls, apiOptions, ctx.now);
  const parts = { ctx, ...need, listener: agents, admission: new Admission(need.hellos ?? hellosAtOnce) };
  agents.server.addService(onlyFor("agent", AgentServiceService), agentService(parts));
  api.server.addService(onlyFor("public", EnrollmentServiceService), enrollmentService(ctx, api, need.addresses));
  const agentPort = await listen("OC_AGENT_ADDR", agents, ctx.config.agentAddr);
  const apiPort = await listen("OC_API_ADDR", api, ctx.config.apiAddr).catch((error) => {
    agents.close();
    throw error;
  });
  const beat = setInterval(() => beatOnce(ctx, need), beatEveryMs);
  const reissue = async () => {
    const fresh = await ctx.authority.issueControllerCertificate(names());
    mtls.reload(fresh);
    tls.reload(fresh);
  };
  const reissueTimer = setInterval(() => {
    reissue().catch((err: unknown) => ctx.log.error({ err }, "certificate.reissue_failed"));
  }, reissueEveryMs);
  ctx.log.info({ agentPort, apiPort }, "grpc.listening");
  const stop = async () => {
    clearInterval(beat);
    clearInterval(reissueTimer);
    await stopListeners(need.links, [agents, api]);
  };
  return { agentPort, apiPort, reissue, stop };
}

/** A method that the permission table does not allow on this listener keeps the controller from starting. */
function onlyFor<T extends Record<string, { path: string }>>(requirement: MethodRequirement, service: T): T {
  for (const { path } of Object.values(service))
    if (methodRequirements[path] !== requirement)
      throw new Error(`${path} is not declared as ${requirement} in contract/src/permissions.ts`);
  return service;
}

async function listen(setting: string, listener: Listener, address: Address): Promise<number> {
  try {
    return await listener.listen(address);
  } catch (error) {
    throw cannotListen(setting, address, error);
  }
}

/** One timer for all streams: ten thousand timers cost more than looking at ten thousand numbers. */
function beatOnce(ctx: Context, { links, presence }: ListenersNeed): void {
  const nowMs = performance.now();
  for (const link of links.all()) {
    if (!link.paused && nowMs - link.heardAtMs > deadAfterMs) link.close("dead", "No sign of life for 25 s");
    else if (nowMs - link.sentAtMs >= heartbeatMs)
      link.heartbeat(ctx.now().getTime(), presence.mark, presence.checkpoint);
  }
}

async function stopListeners(links: LinkRegistry<AgentStream>, listeners: Listener[]): Promise<void> {
  for (const listener of listeners) listener.stopAccepting();
  const open = [...links.all()];
  for (const link of open) link.close("stopping", "The controller is stopping");
  if (open.length > 0) await new Promise((resolve) => setTimeout(resolve, 200)); // for the goodbyes to leave
  for (const listener of listeners) listener.close();
}

function configuredHosts({ config }: Context): string[] {
  const hostOf = (address: string | undefined) => address?.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  const url = config.publicUrl === undefined ? undefined : new URL(config.publicUrl).hostname;
  const all = [url, hostOf(config.publicAgentAddr), hostOf(config.publicApiAddr), config.agentAddr.host];
  return all.filter((h): h is string => h !== undefined);
}
