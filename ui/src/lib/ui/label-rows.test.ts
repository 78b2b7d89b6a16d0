import { expect, test } from "vitest";
import { labelRowProblem, labelRows, labelRowsError, labelsOf } from "./label-rows.ts";

test("labels become rows by name and rows become labels", () => {
  const labels = { role: "web", env: "prod", frozen: "" };
  expect(labelRows(labels).map((row) => row.key)).toEqual(["env", "frozen", "role"]);
  expect(labelsOf(labelRows(labels))).toEqual(labels);
});

test("a row that is still empty is no mistake and no label", () => {
  expect(labelRowsError([{ key: "", value: "" }])).toBe(false);
  expect(labelsOf([{ key: " ", value: "" }])).toEqual({});
});

test("wrong keys, values without key and doubles are found", () => {
  const rows = [
    { key: "1st", value: "" },
    { key: "", value: "lost" },
    { key: "env", value: "a" },
    { key: "env ", value: "b" },
  ];
  expect(rows.map((_, i) => labelRowProblem(rows, i))).toEqual(["key", "key", undefined, "twice"]);
});
