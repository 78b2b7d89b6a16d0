// Sizes as people write them in jobs: `512KiB`, `10MiB`, `1GiB`. Powers of 1024 only, so that nobody has to guess. Pure.

const unitBytes: Record<string, number> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

export const sizePattern = /^\d+(B|KiB|MiB|GiB)$/;
export const sizeHint = "a size like 512KiB, 10MiB or 1GiB";

/** As people write it, in the largest unit that leaves nothing over. */
export function formatSize(bytes: number): string {
  const [unit, size] = Object.entries(unitBytes).findLast(([, size]) => bytes % size === 0)!;
  return `${bytes / size}${unit}`;
}

/** Bytes, or undefined when `text` is no size or does not fit in a safe integer. */
export function parseSize(text: string): number | undefined {
  const match = text.length > 24 ? null : /^(\d+)(B|KiB|MiB|GiB)$/.exec(text);
  if (!match) return undefined;
  const bytes = Number(match[1]) * unitBytes[match[2]!]!;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
