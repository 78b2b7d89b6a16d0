// Text that others wrote (names, reasons, output), as what it is: characters that reorder, hide or break text become
// signs that can be seen (CVE-2021-42574, UTS #39). Called by verbatim.svelte for pages and by the log for its lines. Pure.

/** `sign` marks a stand-in for one character that must not act. */
export interface Piece {
  text: string;
  sign?: true;
}

// C0 without tab, DEL, C1; soft hyphen, fillers and other blanks without width; line and paragraph separators;
// everything that changes direction; tags. And the control pictures, which most monospace fonts lack.
const acting =
  /[\0-\x08\x0a-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2400-\u2421\u3164\ufeff\uffa0\ufff9-\ufffb\u{1d173}-\u{1d17a}\u{e0000}-\u{e007f}]|\u034f/u;
/** For those who look for all of them. */
export const actingEverywhere = new RegExp(acting, "gu");

/** Whether `text` has nothing to reveal, as nearly all text: then nothing is built. */
export function isPlain(text: string): boolean {
  return !acting.test(text);
}

/** `text` in pieces; line breaks (LF, CR LF) stay text unless `breaks` says that they are signs as well. */
export function reveal(text: string, breaks: "text" | "signs" = "text"): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const { 0: character, index } of text.matchAll(actingEverywhere)) {
    if (breaks === "text" && (character === "\n" || text.startsWith("\r\n", index))) continue;
    if (isJoiner(character) && joins(text, index)) continue;
    if (index > from) pieces.push({ text: text.slice(from, index) });
    pieces.push({ text: signOf(character), sign: true });
    from = index + character.length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from) });
  return pieces;
}

/** The same as one string, for places that hold no elements: titles, labels, tooltips. */
export function revealed(text: string): string {
  if (isPlain(text)) return text;
  return reveal(text)
    .map((piece) => (piece.sign ? `‹${piece.text}›` : piece.text))
    .join("");
}

const isJoiner = (character: string) => character === "\u200c" || character === "\u200d";
const needsJoiners =
  /(?:\p{Extended_Pictographic}|\p{Emoji_Modifier}|\ufe0f|\p{Script=Arabic}|\p{Script=Syriac}|\p{Script=Mongolian}|(?![\u0300-\u036f])\p{M})$/u;

/** Emoji families and some scripts are written with joiners; between other letters they only hide something. */
function joins(text: string, index: number): boolean {
  return needsJoiners.test(text.slice(Math.max(0, index - 2), index));
}

const names =
  "NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US SP DEL".split(
    " ",
  );

/** The name that ASCII gives it, else its code point. Letters only: every font has them. */
export function signOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return names[code] ?? "";
  if (code === 0x7f) return "DEL";
  if (code >= 0x2400 && code <= 0x2421) return names[code - 0x2400] ?? "";
  return `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}
