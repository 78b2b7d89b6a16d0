// Codes of authenticator apps: TOTP of RFC 6238 with what every app supports (SHA-1, six digits, 30 seconds). Pure but for
// the making of seeds.
import { randomBytes } from "node:crypto";
import { Secret, TOTP } from "otpauth";

const periodSeconds = 30;
const issuer = "OpsConductor";
/** As long as the hash: RFC 4226, section 4. */
const seedBytes = 20;

export function newSeed(): Buffer {
  return randomBytes(seedBytes);
}

/** What the QR code says. `host` tells this controller from others in the app's list. */
export function seedUri(seed: Uint8Array, { username, host }: { username: string; host: string }): string {
  return generator(seed, `${username} (${host})`).toString();
}

/** For typing into an app. */
export function seedText(seed: Uint8Array): string {
  return new Secret({ buffer: Uint8Array.from(seed).buffer }).base32;
}

/** The time step whose code this is, at most one away from now; undefined for a wrong code. */
export function stepOfCode(seed: Uint8Array, code: string, now: Date): bigint | undefined {
  if (!/^\d{6}$/.test(code)) return undefined; // the library compares bytes and throws where characters have several
  const timestamp = now.getTime();
  const away = generator(seed, "").validate({ token: code, timestamp, window: 1 });
  return away === null ? undefined : BigInt(Math.floor(timestamp / 1000 / periodSeconds) + away);
}

/** The code an app shows at that time. */
export function codeAt(seed: Uint8Array, at: Date): string {
  return generator(seed, "").generate({ timestamp: at.getTime() });
}

const generator = (seed: Uint8Array, label: string) =>
  new TOTP({
    issuer,
    label,
    algorithm: "SHA1",
    digits: 6,
    period: periodSeconds,
    secret: new Secret({ buffer: Uint8Array.from(seed).buffer }),
  });
