import { describe, expect, it } from "vitest";
import { stateAfter } from "./ansi.ts";
import { readable, segmentLook } from "./segment-look.ts";
import { paletteRgb } from "./sgr-state.ts";

const look = (sgr: string) => segmentLook(stateAfter(`\x1b[${sgr}m`, 0));

describe("the look of a segment", () => {
  it("is a class for the theme's colours and a computed colour for the others", () => {
    expect(look("0")).toEqual({ className: "", color: undefined, background: undefined });
    expect(look("1;4;31;42").className).toBe("bold under f1 b2");
    expect(look("97").className).toBe("f15");
    expect(look("38;5;208")).toEqual({ className: "", color: "rgb(255 135 0)", background: undefined });
    expect(look("30;48;5;208")).toEqual({ className: "f0", color: undefined, background: "rgb(255 135 0)" });
  });

  it("swaps the colours when inverse, the default ones too", () => {
    expect(look("7").className).toBe("on-text inverse");
    expect(look("7;31").className).toBe("on-text b1");
    expect(look("7;31;42").className).toBe("f2 b1");
    expect(look("7;42").className).toBe("inverse f2");
  });

  it("leaves no colour of the palette unreadable on the log's background", () => {
    const channel = (value: number) =>
      value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
    const luminance = (rgb: readonly number[]) =>
      0.2126 * channel(rgb[0] ?? 0) + 0.7152 * channel(rgb[1] ?? 0) + 0.0722 * channel(rgb[2] ?? 0);
    // oklch(0.19 0.012 260) of the light theme, the lighter of the two grounds.
    const ground = luminance([17, 20, 25]);
    for (let colour = 16; colour < 256; colour += 1) {
      const ratio = (luminance(readable(paletteRgb(colour))) + 0.05) / (ground + 0.05);
      expect(ratio, `palette ${colour}`).toBeGreaterThanOrEqual(4.5);
    }
  });
});
