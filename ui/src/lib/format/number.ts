// Numbers as people read them: 1,284; 4.2 GiB; 37%. Used by every table and every message.
import { decimal } from "./habits.svelte.ts";

/** Whole, or with up to `decimals`. */
export function formatNumber(value: number, decimals = 0): string {
  return decimal(decimals).format(value);
}

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** Bytes in binary units with at most three significant digits: 0 B, 1.5 KiB, 128 MiB. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes) || bytes < 0) return "–";
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  if (unit > 0 && Math.round(value) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${decimal(digits, false).format(value)} ${units[unit]}`;
}

/** A fraction of one as a whole percentage, clamped to 0–100. */
export function toPercent(fraction: number): number {
  if (!Number.isFinite(fraction)) return 0;
  return Math.round(Math.min(1, Math.max(0, fraction)) * 100);
}

/** `part` of `whole` as a percentage; one decimal under ten, and never 0% for something or 100% for less than all. */
export function formatShare(part: number, whole: number): string {
  if (part <= 0 || whole <= 0) return "0%";
  if (part >= whole) return "100%";
  const percent = (part / whole) * 100;
  if (percent < 0.1) return `<${formatNumber(0.1, 1)}%`;
  if (percent > 99.9) return `>${formatNumber(99.9, 1)}%`;
  return `${formatNumber(percent, percent < 10 || percent > 99 ? 1 : 0)}%`;
}
