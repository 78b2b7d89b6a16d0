import { expect, test } from "vitest";
import { oneLine, oneLineProblem } from "./one-line.ts";

test("one line in any script stays what it is", () => {
  const texts = ["", "web 01", "更新", "עדכון", "née", "👩‍👩‍👧", "❤️‍🔥", "نمی‌خواهم", "क्‍ष", "10 % – “done”", "␀"];
  for (const text of texts) {
    expect(oneLineProblem(text), text).toBeUndefined();
    expect(oneLine(text)).toBe(text);
  }
});

test("line breaks, control characters, and what is invisible or turns text around are told with their place", () => {
  expect(oneLineProblem("a\nb")).toBe("must be one line, and has a line break at character 2");
  for (const line of ["\r", "\u0085", "\u2028", "\u2029"])
    expect(oneLineProblem(`ab${line}`)).toBe("must be one line, and has a line break at character 3");
  expect(oneLineProblem("😀\u202egpj.exe")).toMatch(/^has U\+202E at character 2, which is invisible or /);
  expect(oneLineProblem("a\ud800")).toBe("has half of a surrogate pair at character 2: remove it");
  const others = ["\0", "\t", "\x1b", "\x7f", "\xad", "\u061c", "\u200b", "\u200e", "\u2060", "\u2066", "\ufeff"];
  for (const text of [...others, "\u202a", "\u202b", "\u202c", "\u202d", "\u2067", "\u2068", "\u2069", "\u{e0041}"])
    expect(oneLineProblem(`a${text}b`), JSON.stringify(text)).toMatch(/^has U\+[0-9A-F]{4,5} at character 2/);
  expect(oneLineProblem("pay\u200dpal")).toMatch(/^has U\+200D at character 4/);
});

test("what cannot be refused is made one line, with a sign for each character that was something else", () => {
  expect(oneLine("web\u202e-01\r\n\0\ud800\t\u{e0041}x")).toBe("web\ufffd-01\ufffd\ufffd\ufffd\ufffd\ufffd\ufffdx");
});
