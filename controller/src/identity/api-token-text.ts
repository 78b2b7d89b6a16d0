// The text of an API token: `oct_`, 43 random signs and 6 of a checksum, so that scanners of repositories find one that
// leaked (and no other text), and a mistyped one is refused without a look at the database. Pure but for the randomness.
import { createHash, randomInt } from "node:crypto";
import { crc32 } from "node:zlib";

const prefix = "oct_";
const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** 256 bits. */
const randomSigns = 43;
const checkSigns = 6;

/** What a scanner should look for; docs/api.md names the same. */
export const apiTokenPattern = /^oct_[0-9A-Za-z]{49}$/;

export function newApiToken(): string {
  const random = Array.from({ length: randomSigns }, () => alphabet[randomInt(alphabet.length)]).join("");
  return `${prefix}${random}${checksum(random)}`;
}

/** Whether somebody meant an API token: an access token is a JWT and never begins like this. */
export function isMeantAsApiToken(text: string): boolean {
  return text.startsWith(prefix);
}

export function isApiToken(text: string): boolean {
  if (!apiTokenPattern.test(text)) return false;
  const body = text.slice(prefix.length);
  return checksum(body.slice(0, randomSigns)) === body.slice(randomSigns);
}

/** The signs by which people tell tokens apart: 24 bits of 256. */
export function endingOf(token: string): string {
  return token.slice(-checkSigns - 4, -checkSigns);
}

/** What is stored. Of 256 random bits nothing slower is needed. */
export function apiTokenHash(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/** CRC-32 in base 62, as GitHub's tokens have it. */
function checksum(random: string): string {
  let rest = crc32(random);
  let text = "";
  for (let i = 0; i < checkSigns; i++) {
    text = alphabet[rest % 62]! + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}
