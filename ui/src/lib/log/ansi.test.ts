import { describe, expect, it } from "vitest";
import { type LineView, plainText, showLine, stateAfter } from "./ansi.ts";
import { flags, paletteRgb, unpackLook } from "./sgr-state.ts";

const esc = "\x1b";
const look = (sequence: string, state = 0) => unpackLook(stateAfter(`${esc}[${sequence}m`, state));
const segmentsOf = (line: string, state: number, view?: LineView) => showLine(line, state, view).segments;
/** Signs in brackets. */
const shown = (line: string, view?: LineView) =>
  segmentsOf(line, 0, view)
    .map(({ text, control }) => (control ? `‹${text}›` : text))
    .join("");

describe("the look of terminal text", () => {
  it("reads colours, bright colours and backgrounds as palette numbers", () => {
    expect(look("31")).toEqual({ fg: 1, bg: undefined, flags: 0 });
    expect(look("97;44")).toEqual({ fg: 15, bg: 4, flags: 0 });
    expect(look("38;5;208")).toMatchObject({ fg: 208 });
    expect(look("48:5:17")).toMatchObject({ bg: 17 });
  });

  it("finds the nearest palette colour for 24-bit colours in all three spellings", () => {
    expect(look("38;2;255;135;0")).toMatchObject({ fg: 208 });
    expect(look("38:2:255:135:0")).toMatchObject({ fg: 208 });
    expect(look("38:2::255:135:0")).toMatchObject({ fg: 208 });
    expect(paletteRgb(208)).toEqual([255, 135, 0]);
    expect(look("38;2;118;118;118")).toMatchObject({ fg: 243 });
    expect(paletteRgb(243)).toEqual([118, 118, 118]);
  });

  it("goes on with the parameters behind an extended colour", () => {
    expect(look("38;5;208;1;4")).toEqual({ fg: 208, bg: undefined, flags: flags.bold | flags.underline });
    expect(look("1;38:2::1:2:3;3")).toMatchObject({ flags: flags.bold | flags.italic });
    expect(look("38;2;1;2;3;48;5;9")).toMatchObject({ bg: 9 });
  });

  it("keeps all parts apart: the highest palette number in both colours with every flag", () => {
    const all = look("38;5;255;48;5;255;1;2;3;4;7;9");
    expect(all).toEqual({ fg: 255, bg: 255, flags: 63 });
    expect(look("38;5;0;48;5;0")).toEqual({ fg: 0, bg: 0, flags: 0 });
  });

  it("takes single parts back and everything with 0 or nothing", () => {
    const state = stateAfter(`${esc}[1;2;3;4;7;9;31;42m`, 0);
    expect(unpackLook(stateAfter(`${esc}[22;24;39m`, state))).toEqual({
      fg: undefined,
      bg: 2,
      flags: flags.italic | flags.inverse | flags.strike,
    });
    expect(stateAfter(`${esc}[0m`, state)).toBe(0);
    expect(stateAfter(`${esc}[m`, state)).toBe(0);
    expect(unpackLook(stateAfter(`${esc}[;31m`, state))).toEqual({ fg: 1, bg: undefined, flags: 0 });
    expect(stateAfter(`${esc}[4:0m`, stateAfter(`${esc}[4:3m`, 0))).toBe(0);
  });

  it("ignores nonsense: huge numbers, broken colours, private forms", () => {
    for (const nonsense of ["999999999999", "38;5", "38;5;300", "38;2;1;2", "38", "38;9", ">4;1", "?25", "=1", "1 "])
      expect(stateAfter(`${esc}[${nonsense}m`, 0), nonsense).toBe(0);
  });
});

describe("a line", () => {
  it("is cut where the look changes, beginning with the look of the line before", () => {
    const red = stateAfter(`${esc}[31m`, 0);
    expect(segmentsOf(`a${esc}[1mb${esc}[0mc`, red)).toEqual([
      { text: "a", state: red },
      { text: "b", state: stateAfter(`${esc}[1m`, red) },
      { text: "c", state: 0 },
    ]);
  });

  it("drops sequences that would move, erase, link or retitle", () => {
    const line = `${esc}[2J${esc}[10;1H${esc}]0;title\x07${esc}]8;;https://evil.test${esc}\\text${esc}]8;;${esc}\\${esc}(B${esc}c${esc}P1q${esc}\\!`;
    expect(shown(line)).toBe("text!");
    expect(plainText(line)).toBe("text!");
  });

  it("shows an escape that is never completed instead of hiding what follows", () => {
    expect(shown(`a${esc}]0;rm -rf /`)).toBe("a‹ESC›]0;rm -rf /");
    expect(shown(`a${esc}[31`)).toBe("a‹ESC›[31");
    expect(shown(`a${esc}[3\n1mb`)).toBe("a‹ESC›[3‹LF›1mb");
    expect(shown(`a${esc}Phidden ${esc}[0mb`)).toBe("a‹ESC›Phidden b");
    expect(shown(`end${esc}`)).toBe("end‹ESC›");
  });

  it("shows control characters by name and leaves tabs alone", () => {
    expect(shown("a\0b\x07c\x7fd\te")).toBe("a‹NUL›b‹BEL›c‹DEL›d\te");
    expect(shown("\x9b31m")).toBe("‹U+009B›31m");
  });

  it("shows what would reorder or break the line", () => {
    expect(shown("if (admin\u202e) { \u2066")).toBe("if (admin‹U+202E›) { ‹U+2066›");
    expect(shown("a\u2028b\u2029c\u200ed")).toBe("a‹U+2028›b‹U+2029›c‹U+200E›d");
    expect(segmentsOf("x\u202ey", 0)[1]).toEqual({ text: "U+202E", state: 0, control: true });
  });

  it("forgets the carriage return of a Windows line end", () => {
    expect(shown("text\r")).toBe("text");
    expect(plainText("text\r")).toBe("text");
    for (const line of [`${esc}[31mtext${esc}[0m\r`, `${esc}[31mtext\r${esc}[0m`]) {
      expect(plainText(line)).toBe("text");
      expect(shown(line)).toBe("text");
    }
  });

  it("says how often text was written over, and the raw view shows all of it", () => {
    expect(showLine("10%\r20%\r30%", 0)).toEqual({ segments: [{ text: "30%", state: 0 }], overwritten: 2 });
    expect(plainText("10%\r20%\r30%")).toBe("30%");
    expect(shown("10%\r20%\x1b[1m!\r", "raw")).toBe("10%‹CR›20%‹ESC[1m›!‹CR›");
    expect(segmentsOf(`${esc}[31ma`, 0, "raw")[1]).toEqual({ text: "a", state: stateAfter(`${esc}[31m`, 0) });
    expect(plainText("10%\r20%", "raw")).toBe("10%\r20%");
    expect(showLine("10%\r20%", 0, "raw").overwritten).toBe(0);
  });

  it("keeps the looks of what is left of an overwritten line", () => {
    const green = stateAfter(`${esc}[32m`, 0);
    expect(segmentsOf(`working\r${esc}[32mok`, 0)).toEqual([
      { text: "ok", state: green },
      { text: "rking", state: 0 },
    ]);
    expect(stateAfter(`working\r${esc}[32mok`, 0)).toBe(green);
  });

  it("says the same by all three readers for any mixture", () => {
    const pieces = [
      "a",
      "<b>",
      esc,
      `${esc}[31m`,
      `${esc}[`,
      "]",
      "\x07",
      "\\",
      "m",
      ";",
      "4",
      "\r",
      "\b",
      " ",
      "\u202e",
      "é",
    ];
    let seed = 7;
    const random = (n: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((seed / 2_147_483_648) * n);
    };
    for (let round = 0; round < 3000; round += 1) {
      const line = Array.from({ length: 1 + random(12) }, () => pieces[random(pieces.length)]).join("");
      const segments = segmentsOf(line, 0);
      const text = segments.map((segment) => (segment.control ? "?" : segment.text)).join("");
      expect(text.length, JSON.stringify(line)).toBe(plainText(line).length);
      for (const view of ["terminal", "raw"] as const)
        expect(shown(line, view)).not.toMatch(/[\0-\x08\x0a-\x1f\u202e]/);
      expect(segmentsOf(`${line}\x1b[0m`, 0).every(({ text: piece }) => piece !== "")).toBe(true);
      // No sequence takes a letter beyond ASCII, so the last piece that came has the look at the end.
      expect(segmentsOf(`${line}é`, 0, "raw").at(-1)?.state).toBe(stateAfter(`${line}é`, 0));
    }
  });
});
