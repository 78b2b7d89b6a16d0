// How the agent dials: one HTTP/2 connection per channel, TLS 1.3, our own authorities, pings against half-open links.
import { isIP } from "node:net";
import { createSecureContext } from "node:tls";
import { ChannelCredentials, type ChannelOptions } from "@grpc/grpc-js";
import { AgentServiceClient, EnrollmentServiceClient } from "@opsconductor/proto/opsconductor/agent/v1/agent";
import { parseAddress } from "./addresses.ts";
import type { StoredCertificate } from "./state-folder.ts";
import { checkController } from "./verify-controller.ts";

const options: ChannelOptions = {
  // A new channel is a new connection: with the new certificate, and without the old one's state.
  "grpc.use_local_subchannel_pool": 1,
  // A dead path is known after 9 s. Until then the way back after a partition is the kernel's, whose retransmissions are
  // each twice as far apart as the one before: after seven seconds of nothing, six more. A ping costs the controller
  // 24 µs, so 10,000 agents take 4 % of a core with this.
  "grpc.keepalive_time_ms": 6_000,
  "grpc.keepalive_timeout_ms": 3_000,
  // We dial anew ourselves; these keep grpc-js's own attempts, whose default reaches 120 s, out of the way.
  "grpc.initial_reconnect_backoff_ms": 200,
  "grpc.max_reconnect_backoff_ms": 4_000,
  "grpc.enable_retries": 0,
  "grpc.enable_channelz": 0,
  "grpc.service_config_disable_resolution": 1,
  "grpc.max_receive_message_length": 16 * 1024 * 1024,
  // The default of 64 KiB would make the round trip the limit of every transfer.
  "grpc-node.flow_control_window": 1024 * 1024,
};

export interface Trust {
  authoritiesPem: string;
  /** Undefined only while enrolling. */
  clusterId: string | undefined;
}

export function agentClient(address: string, trust: Trust, certificate: StoredCertificate): AgentServiceClient {
  return new AgentServiceClient(address, tls(trust, certificate), optionsFor(address));
}

export function enrollmentClient(address: string, trust: Trust): EnrollmentServiceClient {
  return new EnrollmentServiceClient(address, tls(trust), optionsFor(address));
}

/** TLS names no host by its address (RFC 6066); a real name stays, for proxies that route by it. */
function optionsFor(address: string): ChannelOptions {
  const byAddress = isIP(parseAddress(address).host) !== 0;
  return byAddress ? { ...options, "grpc.ssl_target_name_override": "controller.opsconductor.internal" } : options;
}

function tls(trust: Trust, certificate?: StoredCertificate): ChannelCredentials {
  const own = certificate ? { cert: certificate.chainPem, key: certificate.keyPem } : {};
  const context = createSecureContext({ ca: trust.authoritiesPem, minVersion: "TLSv1.3", ...own });
  return ChannelCredentials.createFromSecureContext(context, { checkServerIdentity: checkController(trust.clusterId) });
}
