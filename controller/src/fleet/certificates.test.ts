import { createHash, createPublicKey, X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { issueIssuing, issueLeaf, issueRoot, keyOfRequest, spkiPin } from "./certificates.ts";
import { makeCertificateRequest } from "./testing/certificate-request.ts";

const now = new Date();
const later = new Date(now.getTime() + 3_600_000);

async function authority() {
  const root = await issueRoot("CN=root", later, now);
  return { root, issuing: await issueIssuing(root, "CN=issuing", later, now) };
}

test("an agent's certificate carries one URI and clientAuth, and chains to the root", async () => {
  const { root, issuing } = await authority();
  const publicKey = await keyOfRequest((await makeCertificateRequest()).csr);
  const names = [{ type: "url" as const, value: "spiffe://c/agent/a" }];
  const leaf = await issueLeaf(issuing, { publicKey, usage: "client", names, now, notAfter: later });
  const parsed = new X509Certificate(leaf.pem);
  expect(parsed.subjectAltName).toBe("URI:spiffe://c/agent/a");
  expect(parsed.subject).toBeUndefined();
  expect(parsed.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
  expect(parsed.serialNumber.toLowerCase()).toBe(leaf.serial);
  expect(parsed.ca).toBe(false);
  const issuingCertificate = new X509Certificate(issuing.certificate.toString("pem"));
  const rootCertificate = new X509Certificate(root.certificate.toString("pem"));
  expect(parsed.checkIssued(issuingCertificate)).toBe(true);
  expect(parsed.verify(issuingCertificate.publicKey)).toBe(true);
  expect(issuingCertificate.verify(rootCertificate.publicKey)).toBe(true);
});

test("the pin is the sha256 of the public key as any tool computes it", async () => {
  const { root } = await authority();
  const der = createPublicKey(root.certificate.toString("pem")).export({ type: "spki", format: "der" });
  expect(spkiPin(root.certificate)).toBe(createHash("sha256").update(der).digest("base64url"));
});

test("a request whose signature was altered is refused", async () => {
  const csr = (await makeCertificateRequest()).csr;
  csr[csr.length - 1]! ^= 1;
  await expect(keyOfRequest(csr)).rejects.toThrow(/not signed by its own key/);
});

test("a request that is no PKCS #10 document is refused in words", async () => {
  await expect(keyOfRequest(Buffer.from("hello"))).rejects.toThrow(/PKCS #10/);
});
