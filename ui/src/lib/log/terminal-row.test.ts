import { describe, expect, it } from "vitest";
import { showLine } from "./ansi.ts";

const esc = "\x1b";
const left = (line: string) => {
  const { segments, overwritten } = showLine(line, 0);
  return [segments.map((segment) => segment.text).join(""), overwritten];
};

describe("a line with carriage returns", () => {
  it("is what a terminal leaves of it: longer text stays behind shorter text", () => {
    expect(left("downloading\rdone")).toEqual(["doneloading", 1]);
    expect(left("  5%\r 50%\r100%")).toEqual(["100%", 2]);
    expect(left("same\rsame")).toEqual(["same", 0]);
  });

  it("has lost nothing when nothing follows the return", () => {
    expect(left("all of it\r")).toEqual(["all of it", 0]);
    expect(left(`all of it\r${esc}[0m`)).toEqual(["all of it", 0]);
    expect(left("all of it\r\r")).toEqual(["all of it", 0]);
  });

  it("is erased to its end, from its start or whole, as package tools do before each update", () => {
    expect(left(`Get:1 12 kB\r${esc}[KGet:2`)).toEqual(["Get:2", 1]);
    expect(left(`${esc}[2K\rfirst\r${esc}[2Ksecond`)).toEqual(["second", 1]);
    expect(left(`abcdef\rab${esc}[1K`)).toEqual(["   def", 1]);
    expect(left(`abcdef${esc}[1Gxy`)).toEqual(["xycdef", 1]);
    expect(left(`abcdef${esc}[3D${esc}[2P!`)).toEqual(["abc!", 1]);
  });

  it("goes one back for each backspace, as spinners and manual pages do", () => {
    expect(left("work |\b/\b-\b\\")).toEqual(["work \\", 3]);
    expect(left("N\bNA\bAME\bE")).toEqual(["NAME", 0]);
    expect(left("\b\bx")).toEqual(["x", 0]);
  });

  it("keeps characters whole that are made of several", () => {
    expect(left("e\u0301e\u0301\ra")).toEqual(["ae\u0301", 1]);
    expect(left("👩‍👩‍👧!\rab")).toEqual(["ab", 1]);
  });

  it("does not grow with what output asks for", () => {
    const [text] = left(`a\r${`${esc}[999999999C`.repeat(1000)}b`);
    expect(String(text).length).toBeLessThan(10_002);
  });
});
