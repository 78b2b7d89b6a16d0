// Pieces that the schemas of the job format share. Used by job-schema.ts, limits-schema.ts and rollout-schema.ts.
import "../zod-without-eval.ts";
import * as z from "zod";
import { durationHint, durationPattern, parseDuration } from "./duration.ts";

export const minute = 60_000;
export const day = 24 * 60 * minute;

/** A quantity written with its unit, refused outside of `least` to `most` of what `parse` makes of it. */
export function quantity({ hint, units, pattern, parse }: QuantityFormat, least: number, most: number, range: string) {
  return z
    .string({ error: ({ input }) => `must be ${hint}${withoutUnit(input, units)}` })
    .regex(pattern, `must be ${hint}`)
    .refine((text) => {
      const value = parse(text);
      return value === undefined || (value >= least && value <= most);
    }, `must be ${range}`);
}

/** A bare number, which quotes would not mend. */
export function withoutUnit(input: unknown, units: readonly string[]): string {
  if (typeof input !== "number") return "";
  const meant = input >= 0 ? `: write ${units.map((unit) => `${input}${unit}`).join(" or ")}` : "";
  return `, and this is the number ${input}${Number.isInteger(input) ? meant : ""}`;
}

interface QuantityFormat {
  hint: string;
  /** What a number without one most likely means. */
  units: readonly string[];
  pattern: RegExp;
  parse: (text: string) => number | undefined;
}

/** Refused outside of `minMs` to `maxMs`; `range` says so to people. */
export const duration = (minMs: number, maxMs: number, range: string) =>
  quantity(
    { hint: durationHint, units: ["s", "m"], pattern: durationPattern, parse: parseDuration },
    minMs,
    maxMs,
    range,
  );

const shareHint = "must be a number of targets like 5, or a percentage like 20%";

/** A number of targets, or a percentage of those of the stage. */
export function share(least: number) {
  return z.union(
    [
      z.int().min(least).max(100_000),
      z
        .string()
        .regex(/^\d{1,3}%$/, { error: shareHint, abort: true })
        .refine((text) => {
          const percent = Number(text.slice(0, -1));
          return percent >= least && percent <= 100;
        }, `must be between ${least}% and 100%`),
    ],
    { error: shareHint },
  );
}

/** How many of `total` targets a share is. Percentages are rounded: up for batches, down for budgets. */
export function shareOf(value: number | string, total: number, round: "up" | "down"): number {
  if (typeof value === "number") return value;
  const exact = (Number(value.slice(0, -1)) * total) / 100;
  return round === "up" ? Math.ceil(exact) : Math.floor(exact);
}
