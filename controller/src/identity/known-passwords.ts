// Which passwords everybody tries first: 49,000 from breaches, the common words and first names of a language, and what
// people make of those to reach a length (OWASP ASVS 5, 6.2.4 and 6.2.12). Called by password-policy.ts.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

interface Known {
  /** Passwords and words of at least five characters. */
  texts: ReadonlySet<string>;
  /** The ones that are tried first, two of which make no better password. */
  first: ReadonlySet<string>;
}

/** Passwords are set rarely, and reading takes some 60 ms: not at the start, and then kept. */
let loaded: Known | undefined;

/** `password` is one of them, alone or with little around it, twice, spelt with signs, or two of the first in a row. */
export function isWellKnown(password: string): boolean {
  loaded ??= load();
  const lower = password.toLowerCase();
  const shapes = [lower, withoutEnds(lower)].flatMap((text) => [text, spelt(text), withoutEnds(spelt(text))]);
  return shapes.some((text) => lower.length - text.length < maxAround && isMadeOf(text, loaded!));
}

/** With that much added that is no letter, it is what was added that counts. */
const maxAround = 8;

/** What is longer is made of more than two; looking for where to cut would take its time. */
const maxOfTwo = 40;

function isMadeOf(text: string, { texts, first }: Known): boolean {
  if (texts.has(text)) return true;
  if (text.length > maxOfTwo) return false;
  for (let at = 3; at <= text.length - 3; at++) {
    const [head, tail] = [text.slice(0, at), text.slice(at)];
    if (head === tail && texts.has(head)) return true;
    if (first.has(head) && first.has(tail)) return true;
  }
  return false;
}

/** Digits and signs before and after: Summer2026!! is summer. */
const withoutEnds = (text: string) => text.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, "");

const signs: Record<string, string> = {
  ...{ "@": "a", "4": "a", "3": "e", "1": "i", "!": "i", "0": "o", $: "s", "5": "s", "7": "t", "+": "t" },
};
export const spelt = (text: string) => [...text].map((character) => signs[character] ?? character).join("");

function load(): Known {
  const passwords = listOf("@zxcvbn-ts/language-common", "passwords.json");
  const words = listOf("@zxcvbn-ts/language-en", "commonWords.json");
  const names = listOf("@zxcvbn-ts/language-en", "firstnames.json");
  const long = [...passwords, ...words, ...names].filter((text) => text.length >= 5);
  return {
    texts: new Set(["opsconductor", "changeme", "letmein", "superadmin", ...long]),
    first: new Set([...passwords.slice(0, 10_000), "opsconductor", "admin", "root"]),
  };
}

/** By way of the program beside it: the packages export no files. */
function listOf(name: string, file: string): string[] {
  const main = createRequire(import.meta.url).resolve(name);
  return JSON.parse(readFileSync(main.replace(/dist[\\/][^\\/]+$/, `src/${file}`), "utf8"));
}
