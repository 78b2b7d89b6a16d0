// Which lines are on the screen of a log of any length. Browsers cap an element's height, so a very long log is
// scaled: one scrolled pixel then stands for more than one pixel of text. Pure.

export const rowPx = 20;
/** Below every browser's cap (Firefox: about 17.8 million). */
export const maxHeightPx = 15_000_000;
const overscan = 10;

export interface Geometry {
  heightPx: number;
  first: number;
  /** One past the last. */
  last: number;
  /** What is added to `line × rowPx` to get a row's place. */
  shiftPx: number;
}

function scaleOf(count: number, viewPx: number): number {
  const text = count * rowPx;
  return text > maxHeightPx ? (text - viewPx) / (maxHeightPx - viewPx) : 1;
}

export function geometryOf(count: number, scrollPx: number, viewPx: number): Geometry {
  const at = scrollPx * scaleOf(count, viewPx);
  return {
    heightPx: Math.min(count * rowPx, maxHeightPx),
    first: Math.max(0, Math.min(Math.floor(at / rowPx) - overscan, count)),
    last: Math.min(count, Math.ceil((at + viewPx) / rowPx) + overscan),
    shiftPx: scrollPx - at,
  };
}

/** The scroll position that puts `line` in the middle of the view. */
export function scrollToLine(line: number, count: number, viewPx: number): number {
  return Math.max(0, line * rowPx - viewPx / 2 + rowPx / 2) / scaleOf(count, viewPx);
}

/** `#L10` or `#L10-L20`, counting from 1, as line numbers from 0. */
export function parseLineHash(hash: string): [first: number, last: number] | undefined {
  const match = /^#L(\d{1,9})(?:-L(\d{1,9}))?$/.exec(hash);
  if (!match) return undefined;
  const a = Number(match[1]) - 1;
  const b = Number(match[2] ?? match[1]) - 1;
  return a < 0 || b < 0 ? undefined : [Math.min(a, b), Math.max(a, b)];
}

export function formatLineHash([first, last]: readonly [number, number]): string {
  return first === last ? `#L${first + 1}` : `#L${first + 1}-L${last + 1}`;
}
