// Geometry of the 24-hour chart. Pure; hour-chart.svelte draws it.

export interface HourCount {
  at: string;
  succeeded: number;
  failed: number;
  other: number;
}
export interface Bar {
  at: string;
  x: number;
  width: number;
  parts: { kind: "succeeded" | "failed" | "other"; y: number; height: number }[];
  count: HourCount;
}

/** A round and even number at or above `value`, so that the axis and its middle end on one: 2, 4, 6, 10, 20, 30 … */
export function niceCeiling(value: number): number {
  if (value <= 2) return 2;
  const magnitude = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 3, 4, 6, 8, 10].find((factor) => factor * magnitude >= value) ?? 10;
  const ceiling = Math.ceil(step * magnitude);
  return ceiling % 2 === 0 ? ceiling : ceiling + 1;
}

/** Stacked bars in a box of `width` × `height`: succeeded at the bottom, failed above it, other on top. */
export function hourBars(hours: readonly HourCount[], width: number, height: number): { bars: Bar[]; max: number } {
  const max = niceCeiling(Math.max(0, ...hours.map((hour) => hour.succeeded + hour.failed + hour.other)));
  const slot = width / Math.max(1, hours.length);
  const bars = hours.map((count, i) => {
    let y = height;
    const parts = (["succeeded", "failed", "other"] as const)
      .filter((kind) => count[kind] > 0)
      .map((kind) => {
        // At least 2 px: one failure among a thousand must be seen.
        const partHeight = Math.max(2, (count[kind] / max) * height);
        y -= partHeight;
        return { kind, y, height: partHeight };
      });
    return { at: count.at, x: i * slot + slot * 0.12, width: slot * 0.76, parts, count };
  });
  return { bars, max };
}
