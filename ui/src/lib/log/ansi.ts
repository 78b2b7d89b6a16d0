// Terminal output as segments of text with a style (ECMA-48 SGR), for the rows that are on the screen. Everything
// that is not text or a known SGR code is dropped or shown as a visible sign, so that output can never move the
// cursor, set a link, reorder text or become markup. Pure.

/** A style packed into one integer: foreground 0–255, background << 8, flags << 16. 0 is the default. */
export type SgrState = number;

export interface Segment {
  text: string;
  /** CSS classes of app.css (`a31`, `g41`, `b` …); empty for the default. */
  className: string;
}

const bold = 1;
const dim = 2;
const italic = 4;
const underline = 8;
const inverse = 16;
const flagClasses: readonly (readonly [number, string])[] = [
  [bold, "b"],
  [dim, "d"],
  [italic, "i"],
  [underline, "u"],
  [inverse, "v"],
];
const flagCodes: Record<number, (flags: number) => number> = {
  1: (f) => f | bold,
  2: (f) => f | dim,
  3: (f) => f | italic,
  4: (f) => f | underline,
  7: (f) => f | inverse,
  22: (f) => f & ~(bold | dim),
  23: (f) => f & ~italic,
  24: (f) => f & ~underline,
  27: (f) => f & ~inverse,
};

const esc = 0x1b;
const csi = 0x5b; // [
const isColour = (n: number) => (n >= 30 && n <= 37) || (n >= 90 && n <= 97);

/** The style after a sequence `ESC [ parameters m`. Unknown codes change nothing. */
function applySgr(parameters: string, state: SgrState): SgrState {
  let fg = state & 255;
  let bg = (state >> 8) & 255;
  let flags = state >> 16;
  const codes = parameters.split(/[;:]/).map((code) => (code === "" ? 0 : Number(code)));
  for (let i = 0; i < codes.length; i += 1) {
    const code = codes[i]!;
    if (code === 0) fg = bg = flags = 0;
    else if (isColour(code)) fg = code;
    else if (isColour(code - 10)) bg = code;
    else if (code === 39) fg = 0;
    else if (code === 49) bg = 0;
    else if (code === 38 || code === 48) {
      const [colour, used] = extendedColour(codes, i + 1);
      if (code === 38) fg = colour;
      else bg = colour === 0 ? 0 : colour + 10;
      i += used;
    } else flags = flagCodes[code]?.(flags) ?? flags;
  }
  return fg | (bg << 8) | (flags << 16);
}

/** `38;5;n` and `38;2;r;g;b`: the sixteen base colours are kept, finer ones fall back to the default. */
function extendedColour(codes: readonly number[], at: number): [colour: number, used: number] {
  if (codes[at] === 2) return [0, 4];
  if (codes[at] !== 5) return [0, 0];
  const n = codes[at + 1] ?? 0;
  return [n < 8 ? 30 + n : n < 16 ? 82 + n : 0, 2];
}

/** Index just behind the escape sequence that begins at `at`, and its SGR parameters when it is one. */
function readEscape(line: string, at: number): { end: number; sgr: string | undefined } {
  const kind = line.charCodeAt(at + 1);
  if (kind === csi) {
    let end = at + 2;
    while (end < line.length && (line.charCodeAt(end) < 0x40 || line.charCodeAt(end) > 0x7e)) end += 1;
    return { end: end + 1, sgr: line[end] === "m" ? line.slice(at + 2, end) : undefined };
  }
  // OSC, DCS, PM, APC, SOS: a string up to BEL or ESC \. Unterminated: to the end of the line.
  if (kind === 0x5d || kind === 0x50 || kind === 0x5e || kind === 0x5f || kind === 0x58) {
    for (let end = at + 2; end < line.length; end += 1) {
      const code = line.charCodeAt(end);
      if (code === 0x07) return { end: end + 1, sgr: undefined };
      if (code === esc && line[end + 1] === "\\") return { end: end + 2, sgr: undefined };
    }
    return { end: line.length, sgr: undefined };
  }
  return { end: at + 2, sgr: undefined };
}

/** The style that holds after `line`; the scan of 100,000 lines is one indexOf each where there is no escape. */
export function stateAfter(line: string, state: SgrState): SgrState {
  let now = state;
  let at = line.indexOf("\x1b");
  while (at >= 0) {
    const { end, sgr } = readEscape(line, at);
    if (sgr !== undefined && /^[\d;:]*$/.test(sgr)) now = applySgr(sgr, now);
    at = line.indexOf("\x1b", end);
  }
  return now;
}

function classOf(state: SgrState): string {
  if (state === 0) return "";
  const names: string[] = [];
  if (state & 255) names.push(`a${state & 255}`);
  if ((state >> 8) & 255) names.push(`g${(state >> 8) & 255}`);
  for (const [flag, name] of flagClasses) if ((state >> 16) & flag) names.push(name);
  return names.join(" ");
}

/** Control characters as their pictures (U+2400 …); text direction controls as U+FFFD; tabs stay. */
function visible(text: string): string {
  return text.replace(/[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (c) => {
    const code = c.charCodeAt(0);
    if (code === 0x0d) return "";
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return code === 0x7f ? "\u2421" : "\ufffd";
  });
}

/** Segments of one line that begins with style `state`. */
export function segmentsOf(line: string, state: SgrState): Segment[] {
  const segments: Segment[] = [];
  let now = state;
  let from = 0;
  const push = (to: number) => {
    const text = to > from ? visible(line.slice(from, to)) : "";
    if (text !== "") segments.push({ text, className: classOf(now) });
  };
  let at = line.indexOf("\x1b");
  while (at >= 0) {
    push(at);
    const { end, sgr } = readEscape(line, at);
    if (sgr !== undefined && /^[\d;:]*$/.test(sgr)) now = applySgr(sgr, now);
    from = end;
    at = line.indexOf("\x1b", end);
  }
  push(line.length);
  return segments;
}

/** What a person sees of a line, without styles: what search and copy work on. */
export function plainText(line: string): string {
  if (!/[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/.test(line)) return line;
  return segmentsOf(line, 0)
    .map((segment) => segment.text)
    .join("");
}
