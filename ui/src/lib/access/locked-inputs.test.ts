import { expect, test } from "vitest";
import { readLocked, writeLocked } from "./locked-inputs.ts";

test("lines become values of the type that they look like, and quotes make text", () => {
  const { values, error } = readLocked(
    'env = staging\n\n count=3\ndry = true\nhosts = ["a", "b"]\nversion = "10"\nnote = {x}\nempty =',
  );
  expect(error).toBeUndefined();
  expect(values).toEqual({
    ...{ env: "staging", count: 3, dry: true, hosts: ["a", "b"] },
    ...{ version: "10", note: "{x}", empty: "" },
  });
  expect(readLocked(writeLocked(values).join("\n")).values).toEqual(values);
});

test("a line that names no input is told", () => {
  expect(readLocked("env staging").error).toContain("env staging");
});

test("texts that would read as something else are written with quotes", () => {
  expect(writeLocked({ a: "10", b: " x", c: "plain words", d: "null" })).toEqual([
    'a = "10"',
    'b = " x"',
    "c = plain words",
    "d = null",
  ]);
});
