// Encryption of what the database holds but must not reveal: AES-256-GCM under a key derived from ENCRYPTION_KEY.
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from "node:crypto";

export interface Keys {
  /** `purpose` names the row and column (`fleet.authorities/<id>`): a ciphertext moved elsewhere does not open. */
  seal(purpose: string, plain: Uint8Array): Buffer;
  /** Throws when the bytes were altered, moved, or sealed under another key. */
  open(purpose: string, sealed: Uint8Array): Buffer;
  /** Proves later that `text` came from a controller with this key. */
  sign(purpose: string, text: string): Buffer;
  /** What the database keeps to recognise the key; the key cannot be computed from it. */
  check: Buffer;
}

const version = 1;
const nonceBytes = 12;
const tagBytes = 16;

export function createKeys(encryptionKey: Uint8Array): Keys {
  const derive = (use: string) => Buffer.from(hkdfSync("sha256", encryptionKey, "", `opsconductor ${use}`, 32));
  const key = derive("seal v1");
  const signingKey = derive("sign v1");
  return {
    sign: (purpose, text) => createHmac("sha256", signingKey).update(`${purpose}\0${text}`).digest(),
    check: derive("key check v1"),
    seal(purpose, plain) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(purpose));
      return Buffer.concat([Buffer.of(version), nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open(purpose, sealed) {
      const bytes = Buffer.from(sealed);
      if (bytes[0] !== version || bytes.length < 1 + nonceBytes + tagBytes)
        throw new Error(`What is stored for ${purpose} is not sealed in a form this program knows`);
      const nonce = bytes.subarray(1, 1 + nonceBytes);
      const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes });
      decipher.setAAD(Buffer.from(purpose)).setAuthTag(bytes.subarray(-tagBytes));
      try {
        return Buffer.concat([decipher.update(bytes.subarray(1 + nonceBytes, -tagBytes)), decipher.final()]);
      } catch (cause) {
        throw new Error(`What is stored for ${purpose} does not open: altered, or sealed with another key`, { cause });
      }
    },
  };
}
