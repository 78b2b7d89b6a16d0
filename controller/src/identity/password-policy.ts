// Which new passwords are refused and why (OWASP ASVS 5, 6.2): length, well-known ones, and the words of this place, which
// are the user's own name and the product's (6.2.11).
import { isWellKnown, spelt } from "./known-passwords.ts";

/** Why `password` is refused, or undefined. The minimum length is in the request's schema as well. */
export function passwordProblem(password: string, username: string): string | undefined {
  const lower = password.toLowerCase();
  if ([...password].length < 12) return "at least 12 characters";
  if (isWellKnown(lower)) return "this password is on every attacker's list: choose another";
  if (isRepetitive(lower)) return "more than a few different characters, please";
  const name = username.toLowerCase();
  const word = wordOfPlace(lower, name);
  if (word !== undefined) return `it contains ${word}, which attackers try first: leave that out`;
  if (lower.includes(name) && (isWellKnown(lower.replaceAll(name, "")) || [...password].length - username.length < 8))
    return "it must not be made of the user name";
  return undefined;
}

/** One to three characters over and over, or a run up or down the alphabet or the digits. */
function isRepetitive(text: string): boolean {
  if (new Set(text).size <= 3) return true;
  const steps = [...text].slice(1).map((c, i) => c.codePointAt(0)! - text.codePointAt(i)!);
  return steps.every((s) => s === steps[0]);
}

/** So that nobody called Al is refused a ballad. Shorter names count as words of their own, and where little else is. */
const shortestInside = 4;

/** What of the password is a word of this place, also backwards or spelt with signs. Both in small letters. */
function wordOfPlace(password: string, name: string): string | undefined {
  const joined = password.replace(/[^\p{L}\p{N}@$!+]/gu, "");
  if (product.some((word) => has(joined, word))) return "the name of this product";
  const words = password.split(/[^\p{L}\p{N}]+/u);
  if (words.includes(name) && name.length > 2) return "your user name";
  for (const part of [name, ...name.split(/[._@-]+/)].filter(({ length }) => length >= shortestInside)) {
    const what = part === name ? "your user name" : `“${part}” of your user name`;
    if (has(password, part)) return what;
    if (has(password, reversed(part))) return `${what} backwards`;
  }
  return undefined;
}

const reversed = (text: string) => [...text].reverse().join("");
const product = ["opsconductor", reversed("opsconductor")];
const has = (text: string, word: string) => text.includes(word) || spelt(text).includes(spelt(word));
