// Instants as people read them; the Time component is the only caller that prints. Pure: now and zone are arguments.

export interface TimeWords {
  now: string;
  ago: (amount: string) => string;
  ahead: (amount: string) => string;
}

const dayMs = 86_400_000;

/** "12s", "4m", "3h": the single unit that relative times use. */
function relativeAmount(distanceMs: number): string {
  const seconds = Math.floor(distanceMs / 1000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  return `${Math.floor(seconds / 3600)}h`;
}

/** Relative under 24 hours in either direction, else `2026-11-23 02:14` in the zone. A skew of 2 s counts as now. */
export function formatRelative(atMs: number, nowMs: number, zone: string | undefined, words: TimeWords): string {
  const distance = nowMs - atMs;
  if (Math.abs(distance) >= dayMs) return formatMinute(atMs, zone);
  if (Math.abs(distance) < 2000) return words.now;
  return distance > 0 ? words.ago(relativeAmount(distance)) : words.ahead(relativeAmount(-distance));
}

const formats = new Map<string, Intl.DateTimeFormat>();

function parts(atMs: number, zone: string | undefined): Record<string, string> {
  const key = zone ?? "";
  let format = formats.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat("en-CA-u-hc-h23", {
      timeZone: zone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      timeZoneName: "shortOffset",
    });
    formats.set(key, format);
  }
  return Object.fromEntries(format.formatToParts(atMs).map((part) => [part.type, part.value]));
}

/** `2026-11-23 02:14` in the zone (the browser's own when undefined). */
export function formatMinute(atMs: number, zone?: string): string {
  const p = parts(atMs, zone);
  return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}`;
}

/** `2026-11-23 02:14:07` in the zone. */
export function formatSecond(atMs: number, zone?: string): string {
  const p = parts(atMs, zone);
  return `${formatMinute(atMs, zone)}:${p.second}`;
}

/** `02:14:07` in the zone. */
export function formatClock(atMs: number, zone?: string): string {
  const p = parts(atMs, zone);
  return `${p.hour}:${p.minute}:${p.second}`;
}

/** `2026-11-23 02:14:07 (GMT+1)`: local time with its offset. */
export function formatWithOffset(atMs: number, zone?: string): string {
  return `${formatSecond(atMs, zone)} (${parts(atMs, zone).timeZoneName ?? ""})`;
}

/** How long a shown relative time stays true: seconds tick each second, the rest every 30 s. */
export function tickMsFor(atMs: number, nowMs: number): number {
  return Math.abs(nowMs - atMs) < 60_000 ? 1000 : 30_000;
}
