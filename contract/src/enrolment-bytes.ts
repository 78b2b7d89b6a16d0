// The exact bytes that a host signs with its identity key and the controller checks; docs/enrolment.md describes them.
// Pure; one file for both sides, and a vector in its test, because agents of every version sign what they were built with.
import { createHash } from "node:crypto";

/** label · 0x00 · length of the token id (1 byte) · token id · sha256 of the CSR · sealing key (32 bytes). */
export function enrolmentBytes(tokenId: string, csrDer: Uint8Array, sealingKey: Uint8Array): Buffer {
  const id = Buffer.from(tokenId);
  const digest = createHash("sha256").update(csrDer).digest();
  return Buffer.concat([Buffer.from("opsconductor-enroll-v1\0"), Buffer.of(id.length), id, digest, sealingKey]);
}

/** label · agent id as text · nonce (32 bytes) · sha256 of the CSR. */
export function reauthenticationBytes(agentId: string, nonce: Uint8Array, csrDer: Uint8Array): Buffer {
  const digest = createHash("sha256").update(csrDer).digest();
  return Buffer.concat([Buffer.from("opsconductor-reauthenticate-v1"), Buffer.from(agentId), nonce, digest]);
}
