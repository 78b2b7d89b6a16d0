import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type SseMessage, SseParser } from "./sse-parser.ts";

const parse = (...pieces: string[]): SseMessage[] => {
  const parser = new SseParser();
  return pieces.flatMap((piece) => parser.push(piece));
};

describe("SseParser", () => {
  test("a message ends with an empty line; comments are not messages", () => {
    expect(parse(": beat\n\nid: 7\nevent: reset\ndata: {}\n\ndata: open")).toEqual([
      { id: "7", event: "reset", data: "{}" },
    ]);
  });

  test("several data lines are one text; the space after the colon is optional, a second one is kept", () => {
    expect(parse("data:a\ndata: b\ndata:  c\n\n")).toEqual([{ id: undefined, event: "message", data: "a\nb\n c" }]);
  });

  test("the id stays for later messages, the event name does not", () => {
    expect(parse("id: 1\nevent: reset\ndata: x\n\ndata: y\n\n")).toEqual([
      { id: "1", event: "reset", data: "x" },
      { id: "1", event: "message", data: "y" },
    ]);
  });

  test("an event without data is no message", () => expect(parse("event: reset\n\nid: 3\n\n")).toEqual([]));

  test("an id with NUL is ignored, unknown fields too", () => {
    expect(parse("id: a\0b\nretry: 5\nwhat\ndata: x\n\n")).toEqual([{ id: undefined, event: "message", data: "x" }]);
  });

  test("a byte order mark at the start is not part of the first field", () => {
    expect(parse("\uFEFFdata: x\n\n")).toHaveLength(1);
  });

  test.each(["\n", "\r\n", "\r"])("lines may end with %j", (end) => {
    expect(parse(`data: a${end}data: b${end}${end}data: c${end}${end} `)).toMatchObject([
      { data: "a\nb" },
      { data: "c" },
    ]);
  });

  test("any cutting of the stream gives the same messages", () => {
    const stream = '\uFEFF: hello\r\nid: 1\r\ndata: {"a":1}\r\n\r\nid: 2\ndata: x\ndata:\n\nevent: reset\ndata: z\n\n';
    const whole = parse(stream);
    expect(whole).toHaveLength(3);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: stream.length })), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), stream.length];
        const pieces = at.slice(1).map((end, i) => stream.slice(at[i], end));
        expect(parse(...pieces)).toEqual(whole);
      }),
    );
  });
});
