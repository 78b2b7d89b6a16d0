// A new P-256 key and the PKCS #10 request for it (RFC 2986). The X.509 library costs 24 MB of memory and 0.2 s, so a
// running agent asks a short-lived process of itself instead (request-in-child.ts); enroll.ts calls this directly.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { Pkcs10CertificateRequestGenerator } from "@peculiar/x509";

export interface CertificateRequest {
  csrDer: Buffer;
  keyPem: string;
}

/** How a certificate request is made: in this process or in one beside it. */
export type RequestMaker = () => Promise<CertificateRequest>;

/** The name in it is empty: the controller ignores every name and sets its own. */
export async function makeCertificateRequest(): Promise<CertificateRequest> {
  const ecdsa = { name: "ECDSA", namedCurve: "P-256" };
  const keys = await webcrypto.subtle.generateKey(ecdsa, true, ["sign", "verify"]);
  const signingAlgorithm = { name: "ECDSA", hash: "SHA-256" };
  const request = await Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey));
  const lines = pkcs8.toString("base64").match(/.{1,64}/g)!;
  const keyPem = `-----BEGIN PRIVATE KEY-----\n${lines.join("\n")}\n-----END PRIVATE KEY-----\n`;
  return { csrDer: Buffer.from(request.rawData), keyPem };
}
