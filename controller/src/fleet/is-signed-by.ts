// Checks a host's signature by its identity key. Pure; called where agents enrol and come back.
import { createPublicKey, type KeyObject, verify } from "node:crypto";

/** Ed25519 (RFC 8032) with a raw public key. */
export function isSignedBy(identityKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (identityKey.length !== 32 || signature.length !== 64) return false;
  return verify(null, message, ed25519Key(identityKey), signature);
}

function ed25519Key(raw: Uint8Array): KeyObject {
  const jwk = { kty: "OKP", crv: "Ed25519", x: Buffer.from(raw).toString("base64url") };
  return createPublicKey({ key: jwk, format: "jwk" });
}
