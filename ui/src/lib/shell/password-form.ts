// Rules of a new password, and how strong it looks. Pure. Length decides (NIST SP 800-63B); no character classes.

export const minPasswordLength = 12;

export type PasswordProblem = "current" | "short" | "same" | "repeat";

/** `current` undefined: there is none to ask for. */
export function passwordProblems(form: {
  current: string | undefined;
  next: string;
  repeat: string;
}): PasswordProblem[] {
  const problems: PasswordProblem[] = [];
  if (form.current === "") problems.push("current");
  if ([...form.next].length < minPasswordLength) problems.push("short");
  else if (form.next === form.current) problems.push("same");
  if (form.next !== form.repeat) problems.push("repeat");
  return problems;
}

/** 0 (very weak) to 4 (strong): length, less for few different characters. An estimate, not a gate. */
export function passwordStrength(password: string): number {
  const length = [...password].length;
  const distinct = new Set(password).size;
  const effective = Math.min(length, distinct * 2);
  if (effective < 8) return 0;
  if (effective < minPasswordLength) return 1;
  if (effective < 16) return 2;
  return effective < 20 ? 3 : 4;
}
