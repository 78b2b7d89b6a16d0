import fc from "fast-check";
import { expect, test } from "vitest";
import { LineCollector, lineText, maxLineBytes } from "./split-lines.ts";

function collect(chunks: readonly Uint8Array[], { skip = 0n, limit = 1000, complete = true } = {}): LineCollector {
  const lines = new LineCollector(skip, limit);
  for (const chunk of chunks) lines.push(Buffer.from(chunk));
  lines.end(complete);
  return lines;
}
const utf8 = (text: string) => Buffer.from(text);

test("lines do not depend on where the stream was cut", () => {
  const bytes = fc.uint8Array({ maxLength: 60 }).map((b) => b.map((x) => (x % 7 === 0 ? 10 : x)));
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 6 }), fc.nat(5), (chunks, skip) => {
      const whole = Buffer.concat(chunks);
      const options = { skip: BigInt(skip) };
      expect(collect(chunks, options).lines).toEqual(collect([whole], options).lines);
    }),
  );
});

test("skipped newlines are passed over and the limit ends the page", () => {
  const page = collect([utf8("a\nb\nc\nd\ne")], { skip: 1n, limit: 2 });
  expect(page.lines).toEqual(["b", "c"]);
  expect(page.lastOpen).toBe(false);
});

test("a last line without newline is open, and an empty rest is no line", () => {
  expect(collect([utf8("a\nb")])).toMatchObject({ lines: ["a", "b"], lastOpen: true });
  expect(collect([utf8("a\n")])).toMatchObject({ lines: ["a"], lastOpen: false });
  expect(collect([])).toMatchObject({ lines: [], lastOpen: false });
});

test("NUL, invalid bytes and control characters become text that can be shown", () => {
  expect(lineText(Buffer.from([0x41, 0x00, 0xff, 0x42]), false)).toBe("A\u2400\ufffdB");
});

test("a character that is only half there is left out while more may come, and shown as broken at the end", () => {
  const half = utf8("ok €").subarray(0, -1);
  expect(collect([half], { complete: false }).lines).toEqual(["ok "]);
  expect(collect([half], { complete: true }).lines).toEqual(["ok \ufffd"]);
});

test("an endless line is cut for display and says how much is missing", () => {
  const page = collect([Buffer.alloc(maxLineBytes, 97), utf8("bcd\nnext")]);
  expect(page.lines[0]!.slice(maxLineBytes)).toBe("… (3 more bytes in this line)");
  expect(page.lines[1]).toBe("next");
});
