// Whom we talk to: TLS has checked the chain to an authority we trust; here the certificate must name a controller of our
// cluster. Host names are not compared, because people dial by address, through tunnels and port forwards.
import type { PeerCertificate } from "node:tls";

const uuid = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
const controllerName = new RegExp(`^URI:spiffe://(${uuid})/controller/${uuid}$`);

/** The cluster that the certificate names; undefined when it is no controller's. */
function clusterOf(certificate: Pick<PeerCertificate, "subjectaltname">): string | undefined {
  const names = certificate.subjectaltname ?? "";
  if (names.includes('"')) return undefined; // Node quotes values that try to look like several
  const clusters = names.split(", ").flatMap((name) => controllerName.exec(name)?.[1] ?? []);
  return clusters.length === 1 ? clusters[0] : undefined;
}

/** For TLS's `checkServerIdentity`. `clusterId` is undefined only while enrolling, when the pin speaks for the cluster. */
export function checkController(clusterId: string | undefined) {
  return (_host: string, certificate: PeerCertificate): Error | undefined => {
    const cluster = clusterOf(certificate);
    if (cluster === undefined) return new Error("The certificate at this address is not a controller's");
    if (clusterId !== undefined && cluster !== clusterId)
      return new Error(`The controller at this address belongs to another cluster (${cluster})`);
    return undefined;
  };
}
