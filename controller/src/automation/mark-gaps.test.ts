import { expect, test } from "vitest";
import { cutParts, type FilePart, gapMark, markGaps, partBytes } from "./mark-gaps.ts";

const stored = Buffer.from("one\ntwothree\n");
const textOf = (parts: FilePart[]) =>
  parts
    .map((p) => (p.kind === "mark" ? p.bytes : stored.subarray(Number(p.from), Number(p.to))).toString("latin1"))
    .join("");
const mark = (gaps: { offset: number; omittedBytes: number }[], bytes = BigInt(stored.length)) =>
  markGaps(bytes, gaps, (offset) => offset === 0n || stored[Number(offset) - 1] === 10);
const line = (omittedBytes: number) => Buffer.from(gapMark({ offset: 0, omittedBytes })).toString("latin1");

test("output without a gap is itself", () => {
  expect(textOf(mark([]))).toBe(stored.toString());
  expect(mark([], 0n)).toEqual([]);
});

test("a mark is a line of its own, also where the head ends within a line", () => {
  expect(textOf(mark([{ offset: 4, omittedBytes: 983 }]))).toBe(`one\n${line(983)}twothree\n`);
  expect(textOf(mark([{ offset: 7, omittedBytes: 983 }]))).toBe(`one\ntwo\n${line(983)}three\n`);
});

test("gaps stand in order, at the very beginning and the very end too, and not where nothing has arrived yet", () => {
  const gaps = [14, 0].map((offset) => ({ offset, omittedBytes: offset + 1 }));
  expect(stored.length).toBe(13);
  expect(textOf(mark([...gaps, { offset: 13, omittedBytes: 7 }]))).toBe(`${line(1)}${stored}${line(7)}`);
});

test("every range of a marked file is that part of the whole", () => {
  const parts = mark([
    { offset: 4, omittedBytes: 9 },
    { offset: 7, omittedBytes: 1_000_000 },
  ]);
  const whole = textOf(parts);
  const bytes = parts.reduce((sum, part) => sum + partBytes(part), 0n);
  expect(Number(bytes)).toBe(whole.length);
  for (let from = 0; from < whole.length; from++)
    for (let to = from; to <= whole.length; to++)
      expect(textOf(cutParts(parts, BigInt(from), BigInt(to)))).toBe(whole.slice(from, to));
});
