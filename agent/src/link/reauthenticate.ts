// The way back after the certificate expired while this host was away: a nonce, signed by the identity key. Called by
// link.ts when no slot holds a certificate that is still accepted.
import { reauthenticationBytes } from "@opsconductor/contract/enrolment-bytes";
import type {
  Certificate,
  ChallengeRequest,
  ChallengeResponse,
  EnrollmentServiceClient,
  ReauthenticateRequest,
  ReauthenticateResponse,
} from "@opsconductor/proto/opsconductor/agent/v1/agent";
import { candidates } from "./addresses.ts";
import type { RequestMaker } from "./certificate-request.ts";
import { enrollmentClient } from "./channel.ts";
import { signAsHost } from "./host-keys.ts";
import type { Identity, StateFolder, StoredCertificate } from "./state-folder.ts";
import { storedCertificate } from "./stored-certificate.ts";
import { unary } from "./unary.ts";

const withinMs = 15_000;

/** The new certificate is in the next slot and on disk when this resolves. Rejects with gRPC's ServiceError. */
export async function reauthenticate(
  state: StateFolder,
  identity: Identity,
  makeRequest: RequestMaker,
): Promise<StoredCertificate> {
  const { csrDer, keyPem } = await makeRequest();
  const certificate = await atFirstReachable(state, identity, async (client) => {
    const nonce = await challenge(client, identity.agentId);
    const signature = signAsHost(identity, reauthenticationBytes(identity.agentId, nonce, csrDer));
    return prove(client, { agentId: identity.agentId, nonce, csrDer, signature });
  });
  state.saveAuthorities(certificate.caBundlePem.toString());
  const stored = storedCertificate(certificate, keyPem);
  state.saveCertificate("next", stored);
  return stored;
}

async function atFirstReachable<T>(
  state: StateFolder,
  identity: Identity,
  call: (client: EnrollmentServiceClient) => Promise<T>,
): Promise<T> {
  const trust = { authoritiesPem: state.authorities() ?? "", clusterId: identity.clusterId };
  const addresses = candidates(identity.apiAddress, identity.reachedBy);
  for (const [i, address] of addresses.entries()) {
    const client = enrollmentClient(address, trust);
    try {
      return await call(client);
    } catch (error) {
      const unavailable = (error as { code?: number }).code === 14;
      if (!unavailable || i === addresses.length - 1) throw error;
    } finally {
      client.close();
    }
  }
  throw new Error("No address to reauthenticate at");
}

async function challenge(client: EnrollmentServiceClient, agentId: string): Promise<Buffer> {
  const call = client.challenge.bind(client);
  return (await unary<ChallengeRequest, ChallengeResponse>(call, { agentId }, withinMs)).nonce;
}

async function prove(client: EnrollmentServiceClient, proof: ReauthenticateRequest): Promise<Certificate> {
  const call = client.reauthenticate.bind(client);
  const { certificate } = await unary<ReauthenticateRequest, ReauthenticateResponse>(call, proof, withinMs);
  if (!certificate) throw new Error("The controller answered without a certificate: upgrade it");
  return certificate;
}
