// What is shown on one line (names, titles, reasons): the API refuses what hides, reorders or breaks it, and what hosts and
// sign-on tell is freed of that. Pure.
import { acting, isNeededJoiner } from "./acting-signs.ts";

const unfit = new RegExp(`${acting.source}|\\t|\\p{Surrogate}`, "gu");
/** Signs for control characters can be seen; only many fonts lack them. */
const isPicture = (character: string) => character >= "\u2400" && character <= "\u2421";

/** What keeps `text` from being one line that looks like what it is, and where; undefined when nothing does. */
export function oneLineProblem(text: string): string | undefined {
  for (const { 0: character, index } of text.matchAll(unfit)) {
    if (isPicture(character) || isNeededJoiner(text, index)) continue;
    const place = `at character ${[...text.slice(0, index)].length + 1}`;
    if (/[\n\r\u0085\u2028\u2029]/.test(character)) return `must be one line, and has a line break ${place}`;
    if (!character.isWellFormed()) return `has half of a surrogate pair ${place}: remove it`;
    const code = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0");
    return `has U+${code} ${place}, which is invisible or changes how the text looks: remove it`;
  }
  return undefined;
}

/** `text` as one line that looks like what it is: U+FFFD stands for whatever else was there. For what cannot be refused. */
export function oneLine(text: string): string {
  return text.replaceAll(unfit, (character, index: number) =>
    isPicture(character) || isNeededJoiner(text, index) ? character : "\ufffd",
  );
}
