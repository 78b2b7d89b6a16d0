import { expect, test } from "vitest";
import { inWrittenOrder } from "./written-order.ts";

const keys = (names: string[], text: string, owner = "inputs") =>
  inWrittenOrder(Object.fromEntries(names.map((name) => [name, 1])), text, owner).map(([name]) => name);

test("entries stand as the definition writes them, in YAML and in JSON", () => {
  const names = ["b", "type", "ticket"];
  const block = "name: b\ninputs:\n  ticket: { type: string }\n  type: { type: string }\n  b:\n    type: string\n";
  expect(keys(names, block)).toEqual(["ticket", "type", "b"]);
  expect(keys(["b", "ticket"], "inputs: { ticket: { type: string }, b: { type: string } }")).toEqual(["ticket", "b"]);
  expect(keys(["b", "ticket"], '{"name":"b","inputs":{"ticket":{"type":"string"},"b":{}}}')).toEqual(["ticket", "b"]);
  expect(keys(["undo", "build"], "stages:\n  build: {}\n  undo: { needs: [build] }\n", "stages")).toEqual([
    "build",
    "undo",
  ]);
});

test("what the definition does not have comes last", () => {
  expect(keys(["gone", "b"], "inputs:\n  b: {}\n")).toEqual(["b", "gone"]);
  expect(keys(["b"], "")).toEqual(["b"]);
});
