import fc from "fast-check";
import { expect, test } from "vitest";
import { createRedactor, type NamedSecret, type Redactor } from "./redactor.ts";

const secret = (name: string, ...values: string[]): NamedSecret => ({
  name,
  needles: values.map((v) => Buffer.from(v)),
});

function redactAll(redactor: Redactor, chunks: Buffer[]): string {
  let carry = Buffer.alloc(0);
  let text = "";
  for (const chunk of [...chunks, undefined]) {
    const bytes = chunk === undefined ? carry : Buffer.concat([carry, chunk]);
    const { output, consumed } = redactor.redact(bytes, chunk === undefined);
    text += output.toString("latin1");
    carry = Buffer.from(bytes.subarray(consumed));
  }
  return text;
}

test("without secrets there is no redactor, so bytes pass as they are", () => {
  expect(createRedactor([])).toBeUndefined();
  expect(createRedactor([secret("empty", "")])).toBeUndefined();
});

test("a secret is replaced by its name wherever it stands", () => {
  const redactor = createRedactor([secret("db", "hunter22"), secret("api", "k3y-k3y")])!;
  const text = redactAll(redactor, [Buffer.from("hunter22 x=hunter22;k3y-k3y-k3y hunter2")]);
  expect(text).toBe("[REDACTED:db] x=[REDACTED:db];[REDACTED:api]-k3y hunter2");
});

test("of two that begin together the longer wins", () => {
  const redactor = createRedactor([secret("short", "abcdef"), secret("long", "abcdefgh")])!;
  expect(redactAll(redactor, [Buffer.from("abcdefgh abcdefg")])).toBe("[REDACTED:long] [REDACTED:short]g");
});

test("output that could not be a secret is not held back", () => {
  const redactor = createRedactor([secret("db", "hunter22")])!;
  expect(redactor.redact(Buffer.from("done\n"), false).consumed).toBe(5);
  expect(redactor.redact(Buffer.from("hunt"), false).consumed).toBe(0);
});

test("every chunking gives the same output", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 6 });
  const text = fc.string({ unit: fc.constantFrom("a", "b", "c", "x"), maxLength: 60 });
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), text, fc.array(fc.nat(60)), (words, input, cuts) => {
      const redactor = createRedactor(words.map((w, i) => secret(`${i}`, w)))!;
      const borders = [0, ...cuts.toSorted((a, b) => a - b), input.length];
      const chunks = borders.slice(1).map((to, i) => Buffer.from(input.slice(borders[i], to)));
      const whole = redactAll(redactor, [Buffer.from(input)]);
      expect(redactAll(redactor, chunks)).toBe(whole);
      for (const w of words) expect(whole.replaceAll(/\[REDACTED:\d\]/g, "|")).not.toContain(w);
    }),
    { numRuns: 2000 },
  );
});
