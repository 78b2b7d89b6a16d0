// The identity and sealing keys of this host: made once, kept for its life. Used by enroll.ts and reauthenticate.ts.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { fingerprintDigits, fingerprintLabel } from "@opsconductor/contract/fingerprint";
import nacl from "tweetnacl";
import type { HostKeys } from "./state-folder.ts";

export function makeHostKeys(): HostKeys {
  const { privateKey } = generateKeyPairSync("ed25519");
  const sealing = nacl.box.keyPair();
  return {
    identityKeyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    sealingSecretKey: Buffer.from(sealing.secretKey).toString("base64"),
    sealingPublicKey: Buffer.from(sealing.publicKey).toString("base64"),
  };
}

/** Raw 32 bytes, as the wire carries it. */
export function identityPublicKey(keys: HostKeys): Buffer {
  const jwk = createPublicKey(keys.identityKeyPem).export({ format: "jwk" });
  return Buffer.from(jwk.x!, "base64url");
}

export function signAsHost(keys: HostKeys, message: Uint8Array): Buffer {
  return sign(null, message, createPrivateKey(keys.identityKeyPem));
}

/** What people compare with the console. */
export function hostFingerprint(keys: HostKeys): string {
  return fingerprintDigits(createHash("sha256").update(fingerprintLabel).update(identityPublicKey(keys)).digest());
}
