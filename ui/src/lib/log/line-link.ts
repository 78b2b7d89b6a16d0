// `#L10` and `#L10-L20`: lines of a log as part of an address. Line numbers in links count from 1. Pure.
import type { LineRange } from "./log-lines.ts";

/** The range that a hash names, or undefined. */
export function readLineLink(hash: string): LineRange | undefined {
  const match = /^#L([1-9]\d{0,8})(?:-L?([1-9]\d{0,8}))?$/.exec(hash);
  if (!match) return undefined;
  const [one, other] = [Number(match[1]), Number(match[2] ?? match[1])];
  return { from: Math.min(one, other) - 1, to: Math.max(one, other) };
}

export function writeLineLink(range: LineRange | undefined): string {
  if (!range) return "";
  return range.to - range.from === 1 ? `#L${range.from + 1}` : `#L${range.from + 1}-L${range.to}`;
}
