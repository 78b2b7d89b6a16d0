// Durations as people read them: 12 ms, 4.1 s, 2m 31s, 3h 05m, 4d 2h; never "150982 ms".
import { decimal } from "./habits.svelte.ts";

const pad = (value: number) => String(value).padStart(2, "0");

/** `durationMs` in the two largest units that matter. Negative or unknown lengths give a dash. */
export function formatDuration(durationMs: number | null | undefined): string {
  if (durationMs === null || durationMs === undefined || !Number.isFinite(durationMs) || durationMs < 0) return "–";
  if (durationMs === 0) return "0 s";
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`.replace("1000 ms", "1 s");
  if (durationMs < 9_950) return `${decimal(1).format(durationMs / 1000)} s`;
  const seconds = Math.round(durationMs / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${pad(seconds % 60)}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h ${pad(minutes % 60)}m`;
  return `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

/** The time between two instants; `end` absent means up to `nowMs`. Unknown start gives undefined. */
export function elapsedMs(start: string | null, end: string | null, nowMs: number): number | undefined {
  if (!start) return undefined;
  return Math.max(0, (end ? Date.parse(end) : nowMs) - Date.parse(start));
}

/** A countdown in minutes and seconds: 29:07, or 1:59:07 above the hour. */
export function formatCountdown(leftMs: number): string {
  const seconds = Math.max(0, Math.ceil(leftMs / 1000));
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(seconds % 60)}` : `${minutes}:${pad(seconds % 60)}`;
}
