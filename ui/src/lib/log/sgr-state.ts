// The look of terminal text (SGR, ECMA-48 8.3.117) packed into one number, so that a million lines each carry the look
// they start with at the price of an integer. Pure; ansi.ts and log-lines.ts are the callers.

/** 0 is the default look. Colours are palette numbers plus one; 0 means the default colour. */
const fgMask = 0x1ff;
const bgShift = 9;
const flagShift = 18;
export const flags = { bold: 1, dim: 2, italic: 4, underline: 8, inverse: 16, strike: 32 } as const;

export interface Look {
  /** 0–255, or undefined for the default. */
  fg: number | undefined;
  bg: number | undefined;
  flags: number;
}

export function unpackLook(state: number): Look {
  const fg = state & fgMask;
  const bg = (state >> bgShift) & fgMask;
  return { fg: fg ? fg - 1 : undefined, bg: bg ? bg - 1 : undefined, flags: state >> flagShift };
}

const withFg = (state: number, colour: number) => (state & ~fgMask) | (colour + 1);
const withBg = (state: number, colour: number) => (state & ~(fgMask << bgShift)) | ((colour + 1) << bgShift);
const withFlag = (state: number, flag: number) => state | (flag << flagShift);
const without = (state: number, flag: number) => state & ~(flag << flagShift);

/** One parameter other than 38 and 48. Unknown ones change nothing; concealed text (8) stays readable on purpose. */
function applyParameter(state: number, n: number): number {
  if (n >= 30 && n <= 37) return withFg(state, n - 30);
  if (n >= 40 && n <= 47) return withBg(state, n - 40);
  if (n >= 90 && n <= 97) return withFg(state, n - 82);
  if (n >= 100 && n <= 107) return withBg(state, n - 92);
  switch (n) {
    case 0:
      return 0;
    case 1:
      return withFlag(state, flags.bold);
    case 2:
      return withFlag(state, flags.dim);
    case 3:
      return withFlag(state, flags.italic);
    case 4:
    case 21:
      return withFlag(state, flags.underline);
    case 7:
      return withFlag(state, flags.inverse);
    case 9:
      return withFlag(state, flags.strike);
    case 22:
      return without(state, flags.bold | flags.dim);
    case 23:
      return without(state, flags.italic);
    case 24:
      return without(state, flags.underline);
    case 27:
      return without(state, flags.inverse);
    case 29:
      return without(state, flags.strike);
    case 39:
      return withFg(state, -1);
    case 49:
      return withBg(state, -1);
    default:
      return state;
  }
}

const semicolon = 59;
const colon = 58;
const maxParameter = 65_535;

/** The look after the parameters `text[from, to)` of a sequence that ends in `m`. No allocation: called per sequence. */
export function applySgr(text: string, from: number, to: number, state: number): number {
  let next = state;
  let at = from;
  do {
    let n = 0;
    for (; at < to; at += 1) {
      const digit = text.charCodeAt(at) - 48;
      if (digit < 0 || digit > 9) break;
      n = Math.min(n * 10 + digit, maxParameter);
    }
    const separator = at < to ? text.charCodeAt(at) : semicolon;
    if (separator !== semicolon && separator !== colon) return state;
    if (n === 38 || n === 48) {
      const colour = extendedColour(text, at, to);
      at = colour.end;
      if (colour.palette >= 0) next = n === 38 ? withFg(next, colour.palette) : withBg(next, colour.palette);
    } else if (separator === colon) {
      const end = endOfSubparameters(text, at, to);
      // 4:0 is "no underline", 4:1 to 4:5 are kinds of underline.
      if (n === 4) next = text.slice(at, end) === ":0" ? applyParameter(next, 24) : applyParameter(next, 4);
      at = end;
    } else {
      next = applyParameter(next, n);
    }
    at += 1;
  } while (at <= to);
  return next;
}

function endOfSubparameters(text: string, from: number, to: number): number {
  let at = from;
  while (at < to && text.charCodeAt(at) !== semicolon) at += 1;
  return at;
}

/** `;5;n`, `;2;r;g;b`, `:5:n`, `:2:r:g:b` or `:2::r:g:b` after 38 or 48. `palette` is -1 when it says nothing. */
function extendedColour(text: string, from: number, to: number): { palette: number; end: number } {
  const byColon = text.charCodeAt(from) === colon;
  const end = byColon ? endOfSubparameters(text, from, to) : to;
  const parts = text.slice(from + 1, end).split(byColon ? ":" : ";");
  const kind = parts[0];
  const taken = kind === "5" ? 2 : kind === "2" ? (byColon ? parts.length : 4) : 1;
  const values = parts.slice(kind === "2" && byColon && parts.length > 4 ? 2 : 1, taken).map(byte);
  const consumed = byColon ? end : from + parts.slice(0, taken).reduce((sum, part) => sum + part.length + 1, 0);
  return { palette: paletteOf(kind, values), end: Math.min(consumed, to) };
}

function byte(part: string): number {
  const value = part === "" ? 0 : Number(part);
  return Number.isInteger(value) && value >= 0 && value <= 255 ? value : -1;
}

function paletteOf(kind: string | undefined, values: readonly number[]): number {
  if (values.some((value) => value < 0)) return -1;
  if (kind === "5") return values[0] ?? -1;
  if (kind !== "2" || values.length < 3) return -1;
  return nearestPalette(values[0] ?? 0, values[1] ?? 0, values[2] ?? 0);
}

const cubeSteps = [0, 95, 135, 175, 215, 255];
const nearestStep = (value: number) => (value < 48 ? 0 : value < 115 ? 1 : Math.min(5, Math.floor((value - 35) / 40)));

/** The nearest of the 6×6×6 cube and the grey ramp: one look per line has no room for 24 bits of colour. */
function nearestPalette(r: number, g: number, b: number): number {
  const [ri, gi, bi] = [nearestStep(r), nearestStep(g), nearestStep(b)];
  const grey = Math.max(0, Math.min(23, Math.round(((r + g + b) / 3 - 8) / 10)));
  const greyLevel = 8 + grey * 10;
  const distance = (x: number, y: number, z: number) => (x - r) ** 2 + (y - g) ** 2 + (z - b) ** 2;
  const byCube = distance(cubeSteps[ri] ?? 0, cubeSteps[gi] ?? 0, cubeSteps[bi] ?? 0);
  return byCube <= distance(greyLevel, greyLevel, greyLevel) ? 16 + 36 * ri + 6 * gi + bi : 232 + grey;
}

/** Red, green and blue of palette numbers from 16 on; the first 16 are the theme's. */
export function paletteRgb(colour: number): [number, number, number] {
  if (colour >= 232) {
    const level = 8 + (colour - 232) * 10;
    return [level, level, level];
  }
  const index = colour - 16;
  const step = (n: number) => cubeSteps[n % 6] ?? 0;
  return [step(Math.floor(index / 36)), step(Math.floor(index / 6)), step(index)];
}
