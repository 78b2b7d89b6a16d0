// A certificate authority for tests of the agent's side: a root, server and client certificates of any lifetime.
import "reflect-metadata";
import { createHash, randomUUID, webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const newKeys = () => webcrypto.subtle.generateKey(ecdsa, true, ["sign", "verify"]);

export interface TestAuthority {
  clusterId: string;
  rootPem: string;
  pin: string;
  server(uri?: string): Promise<{ chainPem: string; keyPem: string }>;
  client(
    csrDer: Uint8Array,
    agentId: string,
    lifeMs: number,
  ): Promise<{ chainPem: string; serial: string; notAfterMs: number }>;
}

export async function makeTestAuthority(clusterId: string = randomUUID()): Promise<TestAuthority> {
  const keys = await newKeys();
  const notAfter = new Date(Date.now() + 86_400_000);
  const root = await X509CertificateGenerator.createSelfSigned({
    name: "CN=test root",
    notAfter,
    keys,
    signingAlgorithm: ecdsa,
    extensions: [new BasicConstraintsExtension(true, 1, true)],
  });
  const rootPem = `${root.toString("pem")}\n`;
  const leaf = (
    publicKey: Parameters<typeof X509CertificateGenerator.create>[0]["publicKey"],
    usage: "serverAuth" | "clientAuth",
    uri: string,
    until: Date,
  ) =>
    X509CertificateGenerator.create({
      issuer: root.subject,
      notBefore: new Date(), // rounded down to the second
      notAfter: until,
      publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: ecdsa,
      extensions: [
        new ExtendedKeyUsageExtension([ExtendedKeyUsage[usage]]),
        new SubjectAlternativeNameExtension([{ type: "url", value: uri }], true),
      ],
    });
  return {
    clusterId,
    rootPem,
    pin: createHash("sha256").update(Buffer.from(root.publicKey.rawData)).digest("base64url"),
    async server(uri = `spiffe://${clusterId}/controller/${randomUUID()}`) {
      const own = await newKeys();
      const certificate = await leaf(own.publicKey, "serverAuth", uri, notAfter);
      const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", own.privateKey)).toString("base64");
      const keyPem = `-----BEGIN PRIVATE KEY-----\n${pkcs8.match(/.{1,64}/g)!.join("\n")}\n-----END PRIVATE KEY-----\n`;
      return { chainPem: `${certificate.toString("pem")}\n${rootPem}`, keyPem };
    },
    async client(csrDer, agentId, lifeMs) {
      const request = new Pkcs10CertificateRequest(Buffer.from(csrDer));
      if (!(await request.verify())) throw new Error("the CSR is not signed by its key");
      const uri = `spiffe://${clusterId}/agent/${agentId}`;
      const certificate = await leaf(request.publicKey, "clientAuth", uri, new Date(Date.now() + lifeMs));
      const { serialNumber: serial, notAfter: until } = certificate;
      return { chainPem: `${certificate.toString("pem")}\n`, serial, notAfterMs: until.getTime() };
    },
  };
}
