import { isPlain } from "@opsconductor/contract/acting-signs";
import { describe, expect, it } from "vitest";
import { reveal, revealed } from "./reveal.ts";

const sign = (text: string) => ({ text, sign: true });

describe("text that others wrote", () => {
  it("stays one piece when it hides nothing, in any script", () => {
    for (const text of [
      "Update packages",
      "更新",
      "עדכון",
      "a\tb",
      "née",
      "👩‍👩‍👧",
      "❤️‍🔥",
      "نمی‌خواهم",
      "क्‍ष",
      "10 % – “done”",
    ]) {
      expect(reveal(text), text).toEqual([{ text }]);
      expect(revealed(text)).toBe(text);
    }
    expect(reveal("")).toEqual([]);
  });

  it("shows what turns the direction of text around", () => {
    expect(reveal("invoice\u202efdp.exe")).toEqual([{ text: "invoice" }, sign("U+202E"), { text: "fdp.exe" }]);
    for (const code of [0x61c, 0x200e, 0x200f, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069])
      expect(isPlain(String.fromCodePoint(code)), code.toString(16)).toBe(false);
  });

  it("shows what takes no room: blanks without width, fillers, tags, and joiners between letters that need none", () => {
    expect(revealed("pay\u200bpal")).toBe("pay‹U+200B›pal");
    expect(revealed("pay\u200dpal pay\u200cpal")).toBe("pay‹U+200D›pal pay‹U+200C›pal");
    expect(revealed("a\ufeffb\u00adc\u2060d\u3164e\u115ff")).toBe("a‹U+FEFF›b‹U+00AD›c‹U+2060›d‹U+3164›e‹U+115F›f");
    expect(revealed("x\u{e0041}")).toBe("x‹U+E0041›");
    expect(revealed("\u200d")).toBe("‹U+200D›");
  });

  it("names control characters in letters that every font has, their pictures too", () => {
    expect(revealed("a\0b\x1b[1mc\x7fd\x9b")).toBe("a‹NUL›b‹ESC›[1mc‹DEL›d‹U+009B›");
    expect(revealed("a\u2400b\u2421")).toBe("a‹NUL›b‹DEL›");
  });

  it("leaves line breaks alone unless they are told to be signs", () => {
    expect(revealed("one\ntwo\r\nthree")).toBe("one\ntwo\r\nthree");
    expect(revealed("one\rtwo")).toBe("one‹CR›two");
    expect(reveal("a\nb", "signs")).toEqual([{ text: "a" }, sign("LF"), { text: "b" }]);
  });

  it("says the same each time: no search begins where the last one ended", () => {
    expect([isPlain("\u202e"), isPlain("\u202e"), isPlain("a\u202e"), isPlain("a")]).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });
});
