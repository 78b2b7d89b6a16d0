// Instants as people read them; the Time component is the only caller that prints. Now and zone are arguments; the rest are habits.
import { dateFormat, habits } from "./habits.svelte.ts";

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

function parts(atMs: number, zone: string | undefined): Record<string, string> {
  const shown = dateFormat(true, true, zone, true).formatToParts(atMs);
  return Object.fromEntries(shown.map((part) => [part.type, part.value]));
}

/** The console's own way: `2026-11-23 02:14:07`, with AM or PM where twelve hours were chosen. */
function ownWay(atMs: number, zone: string | undefined, date: boolean, second: boolean): string {
  const p = parts(atMs, zone);
  const day = date ? `${p.year}-${p.month}-${p.day} ` : "";
  return `${day}${p.hour}:${p.minute}${second ? `:${p.second}` : ""}${p.dayPeriod ? ` ${p.dayPeriod}` : ""}`;
}

function written(atMs: number, zone: string | undefined, date: boolean, second: boolean): string {
  return habits.language === undefined ? ownWay(atMs, zone, date, second) : dateFormat(date, second, zone).format(atMs);
}

/** `2026-11-23 02:14` in the zone (the browser's own when undefined), or as the chosen language writes it. */
export const formatMinute = (atMs: number, zone?: string): string => written(atMs, zone, true, false);

/** Pixels of a table's column that shows such a time in full; digits are all of one width. */
export const timeWidth = (): number => Math.ceil(formatMinute(0, "UTC").length * 7.7) + 24;

/** `2026-11-23 02:14:07` in the zone. */
export const formatSecond = (atMs: number, zone?: string): string => written(atMs, zone, true, true);

/** `02:14:07` in the zone. */
export const formatClock = (atMs: number, zone?: string): string => written(atMs, zone, false, true);

/** `02:14` in the zone. */
export const formatHour = (atMs: number, zone?: string): string => written(atMs, zone, false, false);

/** `2026-11-23 02:14:07 (GMT+1)`: local time with its offset. */
export function formatWithOffset(atMs: number, zone?: string): string {
  return `${formatSecond(atMs, zone)} (${parts(atMs, zone).timeZoneName ?? ""})`;
}

/** How long a shown relative time stays true: seconds tick each second, the rest every 30 s. */
export function tickMsFor(atMs: number, nowMs: number): number {
  return Math.abs(nowMs - atMs) < 60_000 ? 1000 : 30_000;
}
