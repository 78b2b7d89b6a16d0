import { describe, expect, it } from "vitest";
import { stateAfter } from "./ansi.ts";
import { readLineLink, writeLineLink } from "./line-link.ts";
import { LogLines, pageLines } from "./log-lines.ts";
import { maxHeight, paneHeight, rowHeight, scrollTopOf, visibleRows, windowAt } from "./pane-window.ts";

const red = "\x1b[31m";
const redState = stateAfter(red, 0);
const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `line ${from + i}`);

describe("the lines of a log", () => {
  it("keep their numbers whatever the order they come in", () => {
    const lines = new LogLines();
    lines.put(5000, numbered(5000, 6000));
    lines.put(0, numbered(0, 1500));
    expect(lines.count).toBe(6000);
    expect(lines.loaded).toBe(2500);
    expect(lines.line(5999)).toBe("line 5999");
    expect(lines.line(1499)).toBe("line 1499");
    expect(lines.line(1500)).toBeUndefined();
    expect(lines.line(6000)).toBeUndefined();
  });

  it("are neither doubled nor lost when ranges overlap or come again", () => {
    const lines = new LogLines();
    for (const [from, to] of [
      [0, 700],
      [300, 1100],
      [0, 1100],
      [1000, 1300],
    ] as const)
      lines.put(from, numbered(from, to));
    expect(lines.count).toBe(1300);
    expect(lines.loaded).toBe(1300);
    expect(Array.from({ length: 1300 }, (_, i) => lines.line(i))).toEqual(numbered(0, 1300));
  });

  it("raise the version of the pages that changed, and only of those", () => {
    const lines = new LogLines();
    lines.put(0, numbered(0, pageLines * 2));
    const before = [lines.page(0)?.version, lines.page(1)?.version];
    lines.put(pageLines, ["line 1024", "other"]);
    expect(lines.page(0)?.version).toBe(before[0]);
    expect(lines.page(1)?.version).toBe((before[1] ?? 0) + 1);
  });

  it("carry the look from line to line, over pages", () => {
    const lines = new LogLines();
    lines.put(0, [`${red}start`, ...numbered(1, pageLines + 5), "\x1b[0mend", "after"]);
    expect(lines.stateAt(0)).toBe(0);
    expect(lines.stateAt(1)).toBe(redState);
    expect(lines.stateAt(pageLines + 5)).toBe(redState);
    expect(lines.stateAt(pageLines + 6)).toBe(0);
  });

  it("correct the look when what comes before arrives later", () => {
    const lines = new LogLines();
    lines.put(2000, numbered(2000, 3000));
    expect(lines.stateAt(2500)).toBe(0);
    lines.put(1000, [red, ...numbered(1001, 2000)]);
    expect(lines.stateAt(2000)).toBe(redState);
    expect(lines.stateAt(2999)).toBe(redState);
  });

  it("correct the look when an open line is completed", () => {
    const lines = new LogLines();
    lines.put(0, ["\x1b[3", "next"]);
    expect(lines.stateAt(1)).toBe(0);
    lines.put(0, [`${red}done`]);
    expect(lines.stateAt(1)).toBe(redState);
  });

  it("name what is missing, from the front of a range and from the end", () => {
    const lines = new LogLines();
    lines.raiseCount(10_000);
    expect(lines.firstMissing({ from: 4000, to: 4100 }, 1000)).toEqual({ from: 4000, to: 4100 });
    lines.put(4000, numbered(4000, 4050));
    lines.put(8000, numbered(8000, 10_000));
    expect(lines.firstMissing({ from: 3990, to: 4100 }, 1000)).toEqual({ from: 3990, to: 4000 });
    expect(lines.firstMissing({ from: 4000, to: 4100 }, 1000)).toEqual({ from: 4050, to: 4100 });
    expect(lines.firstMissing({ from: 8000, to: 99_999 }, 1000)).toBeUndefined();
    expect(lines.lastMissing(5000)).toEqual({ from: 4050, to: 8000 });
    expect(lines.lastMissing(100)).toEqual({ from: 7900, to: 8000 });
    lines.put(0, numbered(0, 8000));
    expect(lines.lastMissing(100)).toBeUndefined();
  });
});

describe("the window of the pane", () => {
  it("covers the view with rows to spare, and nothing beyond the log", () => {
    expect(windowAt(100_000, 400, 0)).toEqual({ first: 0, last: 30, shift: 0 });
    expect(windowAt(100_000, 400, 20_000)).toEqual({ first: 990, last: 1030, shift: 0 });
    expect(windowAt(5, 400, 0)).toEqual({ first: 0, last: 5, shift: 0 });
    expect(windowAt(0, 400, 0)).toEqual({ first: 0, last: 0, shift: 0 });
    expect(windowAt(10, 400, 9999)).toMatchObject({ last: 10 });
  });

  it("lands exactly on line 1,234,567 of 2,000,000", () => {
    const count = 2_000_000;
    expect(paneHeight(count)).toBe(maxHeight);
    const top = scrollTopOf(1_234_566, count, 600);
    const { first, last } = visibleRows(count, 600, Math.round(top));
    expect(first).toBeLessThanOrEqual(1_234_566);
    expect(last).toBeGreaterThan(1_234_566);
    const { shift } = windowAt(count, 600, top);
    const y = 1_234_566 * rowHeight + shift - top;
    expect(Math.abs(y - 290)).toBeLessThan(2);
  });

  it.each([750_001, 2_000_000, 10_000_000])("reaches the first and the last of %i lines", (count) => {
    const end = windowAt(count, 600, maxHeight - 600);
    expect(end.last).toBe(count);
    expect((count - 1) * rowHeight + end.shift - (maxHeight - 600)).toBeCloseTo(580, -1);
    expect(windowAt(count, 600, 0)).toMatchObject({ first: 0, shift: 0 });
  });

  it("does not scale what a browser can show", () => {
    expect(windowAt(750_000, 600, 7_000_000).shift).toBe(0);
  });
});

describe("a link to lines", () => {
  it("reads and writes one line and a range", () => {
    expect(readLineLink("#L10")).toEqual({ from: 9, to: 10 });
    expect(readLineLink("#L10-L20")).toEqual({ from: 9, to: 20 });
    expect(readLineLink("#L20-10")).toEqual({ from: 9, to: 20 });
    for (const text of ["#L7", "#L7-L9"]) expect(writeLineLink(readLineLink(text))).toBe(text);
    expect(writeLineLink(undefined)).toBe("");
  });

  it("is nothing else", () => {
    for (const text of ["", "#", "#L0", "#L", "#La", "#L1-", "#L1-L0", "#L9999999999", "#x L1"])
      expect(readLineLink(text), text).toBeUndefined();
  });
});
