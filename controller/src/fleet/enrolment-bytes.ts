// The exact bytes that an agent signs with its identity key; docs/enrolment.md describes them. Pure.
import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";

/** label · 0x00 · length of the token id (1 byte) · token id · sha256 of the CSR · sealing key (32 bytes). */
export function enrolmentBytes(tokenId: string, csrDer: Uint8Array, sealingKey: Uint8Array): Buffer {
  const id = Buffer.from(tokenId);
  return Buffer.concat([
    Buffer.from("opsconductor-enroll-v1\0"),
    Buffer.of(id.length),
    id,
    createHash("sha256").update(csrDer).digest(),
    sealingKey,
  ]);
}

/** label · agent id as text · nonce (32 bytes) · sha256 of the CSR. */
export function reauthenticationBytes(agentId: string, nonce: Uint8Array, csrDer: Uint8Array): Buffer {
  const digest = createHash("sha256").update(csrDer).digest();
  return Buffer.concat([Buffer.from("opsconductor-reauthenticate-v1"), Buffer.from(agentId), nonce, digest]);
}

/** Ed25519 (RFC 8032) with a raw public key. */
export function isSignedBy(identityKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (identityKey.length !== 32 || signature.length !== 64) return false;
  return verify(null, message, ed25519Key(identityKey), signature);
}

function ed25519Key(raw: Uint8Array): KeyObject {
  const jwk = { kty: "OKP", crv: "Ed25519", x: Buffer.from(raw).toString("base64url") };
  return createPublicKey({ key: jwk, format: "jwk" });
}
