// A join token becomes this host's identity. Called by the CLI's `enroll`; may be repeated: until an identity is stored,
// the same keys ask again and get the same agent.

import { setTimeout as sleep } from "node:timers/promises";
import { type ServiceError, status } from "@grpc/grpc-js";
import { enrolmentBytes } from "@opsconductor/contract/enrolment-bytes";
import type {
  EnrollmentServiceClient,
  EnrollRequest,
  EnrollResponse,
} from "@opsconductor/proto/opsconductor/agent/v1/agent";
import { formatAddress, parseAddress } from "./addresses.ts";
import type { RequestMaker } from "./certificate-request.ts";
import { enrollmentClient } from "./channel.ts";
import { explainClock } from "./clock-trouble.ts";
import { identityPublicKey, makeHostKeys, signAsHost } from "./host-keys.ts";
import { parseJoinToken } from "./join-token.ts";
import { fetchPinnedAuthority } from "./pinned-authority.ts";
import { thisPlatform } from "./platform.ts";
import { protocolVersion } from "./protocol.ts";
import type { HostKeys, Identity, StateFolder } from "./state-folder.ts";
import { storedCertificate } from "./stored-certificate.ts";
import { unary } from "./unary.ts";

const withinMs = 30_000;
const attempts = 6;
const pauseMs = 1_000;

export interface EnrollOptions {
  state: StateFolder;
  token: string;
  /** host[:port] of EnrollmentService; 3444 without a port. */
  server: string;
  /** The name to ask for; the host's own when not given. */
  name: string | undefined;
  version: string;
  makeRequest: RequestMaker;
}

/** Errors are for the person at the host: the token, the pin, the controller's refusal, the network. */
export async function enroll(options: EnrollOptions): Promise<Identity> {
  const { state } = options;
  const token = parseJoinToken(options.token);
  const { host, port } = parseAddress(options.server, 3444);
  const authoritiesPem = await fetchPinnedAuthority(host, port, token.pins);
  const keys = state.keys() ?? makeHostKeys();
  state.saveKeys(keys);
  const request = await options.makeRequest();
  const sealingKey = Buffer.from(keys.sealingPublicKey, "base64");
  const platform = thisPlatform();
  const client = enrollmentClient(formatAddress({ host, port }), { authoritiesPem, clusterId: undefined });
  try {
    const message: EnrollRequest = {
      tokenId: token.id,
      tokenSecret: token.secret,
      csrDer: request.csrDer,
      identityKey: identityPublicKey(keys),
      sealingKey,
      signature: signAsHost(keys, enrolmentBytes(token.id, request.csrDer, sealingKey)),
      name: options.name ?? usableName(platform.hostname),
      platform,
      agentVersion: options.version,
      protocolVersion,
    };
    const response = await askPatiently(client, message);
    return store(state, keys, host, request.keyPem, response);
  } finally {
    client.close();
  }
}

/** A controller that is busy or restarting says so; asking again with the same keys is harmless. */
async function askPatiently(client: EnrollmentServiceClient, message: EnrollRequest): Promise<EnrollResponse> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await unary<EnrollRequest, EnrollResponse>(client.enroll.bind(client), message, withinMs);
    } catch (error) {
      const { code, details } = error as ServiceError;
      // What grpc-js says of a connection that it cannot make, or whose certificate it refuses, does not pass.
      const ofConnection = details.startsWith("No connection established");
      const passing = code === status.RESOURCE_EXHAUSTED || (code === status.UNAVAILABLE && !ofConnection);
      if (!passing || attempt === attempts) throw new Error(explainClock(details, Date.now()), { cause: error });
      await sleep(attempt * pauseMs * (0.5 + Math.random()));
    }
  }
}

/** The identity goes last: with it the enrolment is complete, without it everything before is simply made again. */
function store(state: StateFolder, keys: HostKeys, host: string, keyPem: string, response: EnrollResponse): Identity {
  const { agentId, agentName, clusterId, agentAddress, apiAddress, certificate } = response;
  if (!certificate) throw new Error("The controller answered without a certificate: upgrade it");
  state.saveAuthorities(certificate.caBundlePem.toString());
  state.saveCertificate("current", storedCertificate(certificate, keyPem));
  state.dropNext();
  const identity = { ...keys, clusterId, agentId, agentName, agentAddress, apiAddress, reachedBy: host };
  state.saveIdentity(identity);
  return identity;
}

/** Host names may hold what names in the fleet may not. */
function usableName(hostname: string): string {
  const short = hostname.replace(/[^A-Za-z0-9._-]/g, "-").replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "");
  return short.slice(0, 120) || "host";
}
