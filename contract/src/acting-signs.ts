// Characters that reorder, hide or break text (CVE-2021-42574, UTS #39): with one of them, a name can look like another.
// Used by one-line.ts, which refuses them, and by the console, which shows them as signs. Pure.

// C0 without tab, DEL, C1; soft hyphen, fillers and other blanks without width; line and paragraph separators;
// everything that changes direction; tags. And the control pictures, which most monospace fonts lack.
export const acting =
  /[\0-\x08\x0a-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2400-\u2421\u3164\ufeff\uffa0\ufff9-\ufffb\u{1d173}-\u{1d17a}\u{e0000}-\u{e007f}]|\u034f/u;
/** For those who look for all of them. */
export const actingEverywhere = new RegExp(acting, "gu");

/** Whether nothing in `text` can act, as in nearly all text. */
export function isPlain(text: string): boolean {
  return !acting.test(text);
}

const needsJoiners =
  /(?:\p{Extended_Pictographic}|\p{Emoji_Modifier}|\ufe0f|\p{Script=Arabic}|\p{Script=Syriac}|\p{Script=Mongolian}|(?![\u0300-\u036f])\p{M})$/u;

/** Emoji families and some scripts are written with joiners; between other letters they only hide something. */
export function isNeededJoiner(text: string, index: number): boolean {
  const character = text[index];
  if (character !== "\u200c" && character !== "\u200d") return false;
  return needsJoiners.test(text.slice(Math.max(0, index - 2), index));
}
