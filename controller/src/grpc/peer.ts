// Who calls, by the client certificate alone; every method of AgentService begins with this.
import type { PeerCertificate } from "node:tls";
import { OcError } from "@opsconductor/contract/errors";
import type { Peer } from "../fleet/open-session.ts";
import type { Connection, Listener } from "./listener.ts";

const uuid = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
/** Exactly one name, and no quoting: Node quotes values that could look like several. */
const agentName = new RegExp(`^URI:spiffe://(${uuid})/agent/(${uuid})$`);

export interface IdentifiedCall {
  peer: Peer;
  connection: Connection;
}

interface Call {
  getPeer(): string;
  getAuthContext(): { sslPeerCertificate?: PeerCertificate } | null;
}

/**
 * TLS has checked the chain and that the certificate is for clients; here it is read who it names, of which cluster,
 * and that it has not expired since the connection was made.
 */
export function identify(call: Call, listener: Listener, clusterId: string, now: Date): IdentifiedCall {
  const certificate = call.getAuthContext()?.sslPeerCertificate;
  const connection = listener.connectionOf(call.getPeer());
  if (!certificate || !connection) throw new OcError("unauthenticated", "A client certificate is required");
  const [, cluster, agentId] = agentName.exec(certificate.subjectaltname ?? "") ?? [];
  if (cluster !== clusterId || agentId === undefined)
    throw new OcError("unauthenticated", "The certificate does not name an agent of this cluster");
  const certificateNotAfter = new Date(certificate.valid_to);
  if (!(certificateNotAfter > now)) throw new OcError("unauthenticated", "The certificate has expired");
  const serial = certificate.serialNumber.toLowerCase();
  const { address, openedAt } = connection;
  return { connection, peer: { agentId, serial, certificateNotAfter, address, connectionOpenedAt: openedAt } };
}
