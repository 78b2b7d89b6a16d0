// A number that may be left out, as somebody typed it. Pure; used by the forms of limits.

/** Null: nothing is written. Undefined: what is written is no whole number from 1 to `most`. */
export function readLimit(text: string, most: number): number | null | undefined {
  const typed = text.trim();
  if (typed === "") return null;
  const number = /^\d{1,9}$/.test(typed) ? Number(typed) : 0;
  return number >= 1 && number <= most ? number : undefined;
}
