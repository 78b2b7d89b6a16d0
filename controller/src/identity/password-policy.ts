// Which new passwords are refused and why (OWASP ASVS 5, 6.2): length, well-known ones, the user's own name.
import { isWellKnown } from "./known-passwords.ts";

/** Why `password` is refused, or undefined. The minimum length is in the request's schema as well. */
export function passwordProblem(password: string, username: string): string | undefined {
  const lower = password.toLowerCase();
  if ([...password].length < 12) return "at least 12 characters";
  if (isWellKnown(lower)) return "this password is on every attacker's list: choose another";
  if (isRepetitive(lower)) return "more than a few different characters, please";
  const name = username.toLowerCase();
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
