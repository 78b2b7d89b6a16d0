// How a key is shown to people: the same groups of digits in the console, in the CLI and on the host. Pure.

/** What is hashed: this label, a zero byte, the raw public key. */
export const fingerprintLabel = "opsconductor-fingerprint-v1\0";

/** Eight groups of five digits out of a sha256 (RFC 6234) over `fingerprintLabel` and the key: about 132 bits. */
export function fingerprintDigits(sha256: Uint8Array): string {
  const view = new DataView(sha256.buffer, sha256.byteOffset, 32);
  return Array.from({ length: 8 }, (_, i) => String(view.getUint32(i * 4) % 100_000).padStart(5, "0")).join(" ");
}
