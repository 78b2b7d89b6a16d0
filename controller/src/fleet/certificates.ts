// X.509 as this product uses it: P-256 everywhere, three levels (root, issuing, leaf), identity in one URI name.
// Called by certificate-authority.ts; knows no database and no files. RFC 5280, RFC 2986.
import "reflect-metadata";
import { createHash, randomBytes, webcrypto } from "node:crypto";
import { OcError } from "@opsconductor/contract/errors";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  type PublicKey,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
/** Hosts with a clock a little behind must not find a new certificate "not yet valid". */
const backdateMs = 5 * 60_000;

export interface Issuer {
  certificate: X509Certificate;
  key: webcrypto.CryptoKey;
}

export interface LeafCertificate {
  pem: string;
  /** Lower-case hex without leading zeros, as TLS libraries print it. */
  serial: string;
  notAfter: Date;
}

type KeyPair = { publicKey: webcrypto.CryptoKey; privateKey: webcrypto.CryptoKey };

export function generateKeyPair(): Promise<KeyPair> {
  return webcrypto.subtle.generateKey(ecdsa, true, ["sign", "verify"]) as Promise<KeyPair>;
}

export async function exportPrivateKey(key: webcrypto.CryptoKey): Promise<Buffer> {
  return Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key));
}

export function importPrivateKey(pkcs8: Uint8Array): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey("pkcs8", pkcs8 as Uint8Array<ArrayBuffer>, ecdsa, true, ["sign"]);
}

export function privateKeyPem(pkcs8: Uint8Array): string {
  const lines = Buffer.from(pkcs8)
    .toString("base64")
    .match(/.{1,64}/g)!;
  return `-----BEGIN PRIVATE KEY-----\n${lines.join("\n")}\n-----END PRIVATE KEY-----\n`;
}

/** base64url sha256 of the public key: what join tokens name and agents compare. */
export function spkiPin(certificate: X509Certificate): string {
  return createHash("sha256").update(Buffer.from(certificate.publicKey.rawData)).digest("base64url");
}

export async function issueRoot(subject: string, notAfter: Date, now: Date): Promise<Issuer> {
  const keys = await generateKeyPair();
  const certificate = await X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject,
    issuer: subject,
    notBefore: new Date(now.getTime() - backdateMs),
    notAfter,
    publicKey: keys.publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: ecdsa,
    extensions: [
      new BasicConstraintsExtension(true, 1, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate, key: keys.privateKey };
}

/** An authority that signs leaves only: path length 0. */
export async function issueIssuing(root: Issuer, subject: string, notAfter: Date, now: Date): Promise<Issuer> {
  const keys = await generateKeyPair();
  const certificate = await X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject,
    issuer: root.certificate.subject,
    notBefore: new Date(now.getTime() - backdateMs),
    notAfter,
    publicKey: keys.publicKey,
    signingKey: root.key,
    signingAlgorithm: ecdsa,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(root.certificate.publicKey),
    ],
  });
  return { certificate, key: keys.privateKey };
}

export interface LeafParams {
  publicKey: webcrypto.CryptoKey | PublicKey;
  usage: "server" | "client";
  names: JsonGeneralName[];
  now: Date;
  notAfter: Date;
}

/** A leaf without subject: all identity is in the (therefore critical) alternative names. */
export async function issueLeaf(issuer: Issuer, params: LeafParams): Promise<LeafCertificate> {
  const serial = newSerial();
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial,
    issuer: issuer.certificate.subject,
    notBefore: new Date(params.now.getTime() - backdateMs),
    notAfter: params.notAfter,
    publicKey: params.publicKey,
    signingKey: issuer.key,
    signingAlgorithm: ecdsa,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage[params.usage === "server" ? "serverAuth" : "clientAuth"]], true),
      new SubjectAlternativeNameExtension(params.names, true),
      await SubjectKeyIdentifierExtension.create(params.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer.certificate.publicKey),
    ],
  });
  return { pem: `${certificate.toString("pem")}\n`, serial, notAfter: certificate.notAfter };
}

/** The key of a CSR whose signature proves that the sender holds it. Every name in it is ignored. */
export async function keyOfRequest(csrDer: Uint8Array): Promise<PublicKey> {
  const request = parseRequest(csrDer);
  const { name, namedCurve } = request.publicKey.algorithm as { name: string; namedCurve?: string };
  if (name !== "ECDSA" || namedCurve !== "P-256")
    throw new OcError("invalid_argument", "The certificate request must carry a P-256 key; upgrade the agent");
  if (!(await request.verify().catch(() => false)))
    throw new OcError("invalid_argument", "The certificate request is not signed by its own key; try again");
  return request.publicKey;
}

function parseRequest(csrDer: Uint8Array): Pkcs10CertificateRequest {
  try {
    return new Pkcs10CertificateRequest(Buffer.from(csrDer));
  } catch (cause) {
    throw new OcError("invalid_argument", "The certificate request is not a PKCS #10 document", { cause });
  }
}

export function parseCertificate(pem: string): X509Certificate {
  return new X509Certificate(pem);
}

/** 126 random bits, positive and without a leading zero octet, so that every library prints the same digits. */
function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toString("hex");
}
