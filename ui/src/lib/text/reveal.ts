// Text that others wrote (names, reasons, output), as what it is: characters that reorder, hide or break text become
// signs that can be seen (CVE-2021-42574, UTS #39). Called by verbatim.svelte for pages and by the log for its lines. Pure.

import { actingEverywhere, isNeededJoiner, isPlain } from "@opsconductor/contract/acting-signs";

/** `sign` marks a stand-in for one character that must not act. */
export interface Piece {
  text: string;
  sign?: true;
}

/** `text` in pieces; line breaks (LF, CR LF) stay text unless `breaks` says that they are signs as well. */
export function reveal(text: string, breaks: "text" | "signs" = "text"): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const { 0: character, index } of text.matchAll(actingEverywhere)) {
    if (breaks === "text" && (character === "\n" || text.startsWith("\r\n", index))) continue;
    if (isNeededJoiner(text, index)) continue;
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
