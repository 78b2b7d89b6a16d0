// A host as the controller sees it, for tests: its keys, the enrolment that it signs, the proof after an expiry.

import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { enrolmentBytes, reauthenticationBytes } from "@opsconductor/contract/enrolment-bytes";
import type { EnrollParams } from "../enroll-agent.ts";
import { makeCertificateRequest } from "./certificate-request.ts";

export interface TestHost {
  name: string;
  identityKey: Buffer;
  sealingKey: Buffer;
  identity: KeyObject;
  csr: Buffer;
  keyPem: string;
}

export async function makeTestHost(name = `host-${randomBytes(4).toString("hex")}`): Promise<TestHost> {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const identityKey = Buffer.from(publicKey.export({ format: "jwk" }).x!, "base64url");
  return { name, identityKey, identity: privateKey, sealingKey: randomBytes(32), ...(await makeCertificateRequest()) };
}

export function enrolmentOf(host: TestHost, token: string, changes: Partial<EnrollParams> = {}): EnrollParams {
  const [, tokenId, secret] = token.split(".");
  const { csr: csrDer, identityKey, sealingKey, name } = host;
  return {
    tokenId: tokenId!,
    tokenSecret: Buffer.from(secret!, "base64url"),
    ...{ csrDer, identityKey, sealingKey, name },
    signature: sign(null, enrolmentBytes(tokenId!, csrDer, sealingKey), host.identity),
    platform: { os: "linux", arch: "x64", hostname: name, osName: "Debian GNU/Linux 12 (bookworm)" },
    agentVersion: "0.1.0",
    protocolVersion: 1,
    ...changes,
  };
}

export function proofOf(host: TestHost, agentId: string, nonce: Uint8Array, csrDer: Uint8Array): Buffer {
  return sign(null, reauthenticationBytes(agentId, nonce, csrDer), host.identity);
}
