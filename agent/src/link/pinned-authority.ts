// Finds the authority that a join token names in the chain that a server shows. Used by enroll.ts before anything secret
// is sent.
import { createHash, X509Certificate } from "node:crypto";
import { connect, type DetailedPeerCertificate } from "node:tls";

const withinMs = 10_000;

export class PinMismatch extends Error {
  override readonly name = "PinMismatch";
}

/** PEM of the authority. The connection is not trusted and carries nothing: only the chain that it shows is looked at. */
export async function fetchPinnedAuthority(host: string, port: number, pins: readonly string[]): Promise<string> {
  const chain = await servedChain(host, port);
  const found = chain.find((der) => pins.includes(pinOf(der)));
  if (found) return new X509Certificate(found).toString();
  throw new PinMismatch(
    `The server at ${host}:${port} does not belong to the cluster that the join token names. ` +
      "Check the address; if it is right, somebody is between this host and the controller.",
  );
}

function pinOf(der: Buffer): string {
  const spki = new X509Certificate(der).publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(spki).digest("base64url");
}

function servedChain(host: string, port: number): Promise<Buffer[]> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, rejectUnauthorized: false, ALPNProtocols: ["h2"], timeout: withinMs });
    socket.once("timeout", () => socket.destroy(new Error(`${host}:${port} did not answer within 10 s`)));
    socket.once("error", reject);
    socket.once("secureConnect", () => {
      resolve(certificatesOf(socket.getPeerCertificate(true)));
      socket.destroy();
    });
  });
}

function certificatesOf(leaf: DetailedPeerCertificate): Buffer[] {
  const seen = new Set<string>();
  const chain: Buffer[] = [];
  for (let c = leaf; c?.raw && !seen.has(c.fingerprint256); c = c.issuerCertificate) {
    seen.add(c.fingerprint256);
    chain.push(c.raw);
  }
  return chain;
}
