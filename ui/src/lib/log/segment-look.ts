// How a packed look becomes CSS: classes for the sixteen colours of the theme (log.css), computed colours for the rest
// of the palette. Pure; log-rows.ts is the caller.
import { flags, paletteRgb, unpackLook } from "./sgr-state.ts";

export interface SegmentLook {
  className: string;
  /** Set as a style where no class exists. */
  color: string | undefined;
  background: string | undefined;
}

const flagClasses = [
  [flags.bold, "bold"],
  [flags.dim, "dim"],
  [flags.italic, "italic"],
  [flags.underline, "under"],
  [flags.strike, "strike"],
] as const;

const known = new Map<number, SegmentLook>();

/** The look of a state; computed once for each. */
export function segmentLook(state: number): SegmentLook {
  let look = known.get(state);
  if (!look) {
    look = compute(state);
    known.set(state, look);
  }
  return look;
}

function compute(state: number): SegmentLook {
  const { fg, bg, flags: set } = unpackLook(state);
  const inverse = (set & flags.inverse) !== 0;
  const [text, ground] = inverse ? [bg, fg] : [fg, bg];
  const classes: string[] = flagClasses.filter(([flag]) => (set & flag) !== 0).map(([, name]) => name);
  // With both colours at their default, inverse has no colour to swap.
  if (inverse && text === undefined) classes.push("on-text");
  if (inverse && ground === undefined) classes.push("inverse");
  if (text !== undefined && text < 16) classes.push(`f${text}`);
  if (ground !== undefined && ground < 16) classes.push(`b${ground}`);
  return {
    className: classes.join(" "),
    color:
      text === undefined || text < 16
        ? undefined
        : css(ground === undefined ? readable(paletteRgb(text)) : paletteRgb(text)),
    background: ground === undefined || ground < 16 ? undefined : css(paletteRgb(ground)),
  };
}

type Rgb = readonly [number, number, number];
const css = ([r, g, b]: Rgb) => `rgb(${r} ${g} ${b})`;

/** Relative luminance that has 4.5:1 on the log's background (luminance about 0.01). */
const leastLuminance = 0.23;

function luminance([r, g, b]: Rgb): number {
  const linear = (value: number) =>
    value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}

/** The colour itself, or mixed with white until it can be read: dark blue on black hides what was printed. */
export function readable(colour: Rgb): Rgb {
  for (let share = 0; share <= 1; share += 0.05) {
    const mixed = colour.map((value) => Math.round(value + (255 - value) * share)) as unknown as Rgb;
    if (luminance(mixed) >= leastLuminance) return mixed;
  }
  return [255, 255, 255];
}
