// A CSR as agents send it, for tests of everything that issues certificates.
import "reflect-metadata";
import { Pkcs10CertificateRequestGenerator } from "@peculiar/x509";
import { exportPrivateKey, generateKeyPair, privateKeyPem } from "../certificates.ts";

/** The name inside is a lie on purpose: nothing of it may reach a certificate. */
export async function makeCertificateRequest(
  name = "CN=i-am-the-controller",
): Promise<{ csr: Buffer; keyPem: string }> {
  const keys = await generateKeyPair();
  const signingAlgorithm = { name: "ECDSA", hash: "SHA-256" };
  const request = await Pkcs10CertificateRequestGenerator.create({ name, keys, signingAlgorithm });
  return { csr: Buffer.from(request.rawData), keyPem: privateKeyPem(await exportPrivateKey(keys.privateKey)) };
}
