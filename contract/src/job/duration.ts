// Durations as people write them in jobs and configuration: `90s`, `15m`, `6h`, `2d`, `1h30m`, `500ms`. Pure.

const unitMs: Record<string, number> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** Largest unit first, each at most once. Exported for the JSON Schema; the parser below is the judge. */
export const durationPattern = /^(?=\d)(\d+d)?(\d+h)?(\d+m(?!s))?(\d+s)?(\d+ms)?$/;
export const durationHint = "a duration like 90s, 15m, 6h, 2d or 1h30m";

/** Milliseconds, or undefined when `text` is no duration or does not fit in a safe integer. */
export function parseDuration(text: string): number | undefined {
  if (text.length > 40 || !durationPattern.test(text)) return undefined;
  let ms = 0;
  for (const [, digits, unit] of text.matchAll(/(\d+)(ms|d|h|m|s)/g)) ms += Number(digits) * unitMs[unit!]!;
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/** The shortest exact text: what `parseDuration` reads back as the same number. */
export function formatDuration(ms: number): string {
  let rest = Math.trunc(ms);
  let text = "";
  for (const unit of ["d", "h", "m", "s", "ms"]) {
    const count = Math.floor(rest / unitMs[unit]!);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * unitMs[unit]!;
  }
  return text || "0s";
}

/** Null where none is written; `text` was checked by the schema. */
export function msOf(text: string | undefined): number | null {
  return text === undefined ? null : parseDuration(text)!;
}
