import fc from "fast-check";
import { expect, test } from "vitest";
import { jsonShapeProblem } from "./json-shape.ts";

test.each([
  ['{"a": 1, "b": 2, "a": 3}', "a"],
  ['{"a": 1, "\\u0061": 2}', "a"],
  ['{"targets": {"names": [], "names": ["web-1"]}}', "targets.names"],
  ['[{"a": 1}, {"b": [0, {"c": 1, "c": 1}]}]', "1.b.1.c"],
  ['{"": 1, "": 2}', ""],
  ['{"a\\\\": 1, "a\\\\": 2}', "a\\"],
])("%s names the same thing twice", (text, path) => {
  expect(jsonShapeProblem(text)).toEqual({ path, message: "stands twice in the same object; keep one" });
});

test.each([
  '{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}',
  '{"a": "a", "b": "a\\",\\"a\\":", "c": "{[,"}',
  '{"a\\\\": 1, "a": 2, "A": 3}',
  '"a"',
  " 17 ",
  "[]",
])("%s names nothing twice", (text) => {
  expect(jsonShapeProblem(text)).toBeUndefined();
});

test.each([
  ['{"inputs": {"__proto__": 1}}', "inputs.__proto__", "is a name that cannot be kept; choose another"],
  [
    '{"n": [0, 12345678901234567890]}',
    "n.1",
    "is a number beyond what JSON carries exactly (whole numbers up to 9007199254740991)",
  ],
  [
    '{"n": -9007199254740993}',
    "n",
    "is a number beyond what JSON carries exactly (whole numbers up to 9007199254740991)",
  ],
  ['{"n": 1e400}', "n", "is a number beyond what JSON carries exactly (whole numbers up to 9007199254740991)"],
])("%s would not be what was sent", (text, path, message) => {
  expect(jsonShapeProblem(text)).toEqual({ path, message });
});

test.each(["[9007199254740991, -0, 0.1, 1e300, 1.5e-7, -12]", '"12345678901234567890"'])(
  "%s is what was sent",
  (text) => {
    expect(jsonShapeProblem(text)).toBeUndefined();
  },
);

const isPlain = (text: string) => !/__proto__|\d{16}/.test(text);
const json = fc.json().filter(isPlain);

test("whatever JSON.stringify writes names nothing twice", () => {
  fc.assert(fc.property(json, (text) => void expect(jsonShapeProblem(text)).toBeUndefined()));
});

test("a doubled name is found wherever it stands", () => {
  const value = fc.jsonValue({ maxDepth: 3 }).filter((v) => isPlain(JSON.stringify(v)));
  fc.assert(
    fc.property(fc.string().filter(isPlain), value, value, (name, one, two) => {
      const member = `${JSON.stringify(name)}: ${JSON.stringify(one)}`;
      const text = `[${JSON.stringify(two)}, {${member}, "other": ${JSON.stringify(two)}, ${member}}]`;
      const expected = name === "other" ? "1.other" : `1.${name}`;
      expect(jsonShapeProblem(text)?.path).toBe(expected);
    }),
  );
});

test("64 levels are fine and 65 are not", () => {
  expect(jsonShapeProblem(`${"[".repeat(64)}${"]".repeat(64)}`)).toBeUndefined();
  expect(jsonShapeProblem(`${'{"a":'.repeat(65)}1${"}".repeat(65)}`)).toEqual({
    path: "a.a.a",
    message: "is nested deeper than 64 levels",
  });
});
