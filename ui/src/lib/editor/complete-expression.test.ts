import { describe, expect, test } from "vitest";
import { completeExpression } from "./complete-expression.ts";
import { jobNames } from "./job-names.ts";

const job = `kind: Job
inputs:
  days: { type: integer, description: How long }
steps:
  - id: measure
    run: |
      used=$(df)
      echo "used=$used" >> "$OC_OUTPUT"
  - { id: my-page, uses: file, with: { path: /x } }
  - { id: told, run: x, outputs: [first] }
`;
const flow = `stages:
  build: { steps: [{ id: make, run: 'echo "version=7" >> "$OC_OUTPUT"' }] }
  deploy:
    needs: []
    matrix: { zone: [a, b] }
    steps:
      - run: x
`;

/** Labels offered at the `^` of lines that follow a text whose names are known. */
function at(known: string, more: string): string[] {
  const lines = (known + more).split("\n");
  const line = lines.findIndex((one) => one.includes("^"));
  const column = lines[line]?.indexOf("^") ?? 0;
  lines[line] = (lines[line] ?? "").replace("^", "");
  return (
    completeExpression(jobNames(known) ?? { inputs: [], stages: [] }, lines, line, column)?.options.map(
      ({ label }) => label,
    ) ?? []
  );
}

describe("names in expressions", () => {
  test("a condition is offered inputs, outputs, states and the functions", () => {
    const found = at(job, "  - if: ^");
    expect(found).toEqual(
      expect.arrayContaining([
        "inputs.days",
        "steps.measure.outputs.used",
        "steps.measure.state",
        "failure()",
        "target.name",
      ]),
    );
    expect(found).toContain("steps.told.outputs.first");
    expect(found).toContain('steps["my-page"].outputs.sha256'); // what its action gives out
    expect(at(job, "  - { id: x, if: inputs.days > 1 && st^")).toContain("steps.measure.state");
  });

  test("what is written of a path is the word, also within quotes and after another expression", () => {
    const lines = ['env: { A: "${{ inputs.days }} ${{ steps.mea'];
    const names = jobNames(job)!;
    expect(completeExpression(names, lines, 0, lines[0]!.length)).toMatchObject({ word: "steps.mea", from: 34 });
    expect(at(job, '  - { run: [x, "${{ steps[^')).toContain("steps['my-page'].state");
  });

  test("scripts, plain values and what is after an expression are left alone", () => {
    expect(at(job, "  - run: |\n      echo ${{ in^")).toEqual([]);
    expect(at(job, "  - name: inputs.^")).toEqual([]);
    expect(at(job, '  - run: ["${{ inputs.days }} in^')).toEqual([]);
    expect(at(job, "  - { if: true, name: in^")).toEqual([]);
  });

  test("a stage is offered the others, its own matrix, and no steps of another stage", () => {
    const found = at(flow, '        env: { V: "${{ ^');
    expect(found).toEqual(
      expect.arrayContaining(["stages.build.outputs.version", "stages.build.state", "matrix.zone"]),
    );
    expect(found.some((label) => label.startsWith("steps.make"))).toBe(false);
    expect(at(flow, "    if: ^")).not.toContain("target.name"); // a stage's condition is read before there is a target
  });

  test("needs is offered the other stages that are not written yet", () => {
    expect(at(flow, "  last:\n    needs: [^")).toEqual(["build", "deploy"]);
    expect(at(flow, "  last:\n    needs: [build, ^")).toEqual(["deploy"]);
  });
});

test("names are read from a text with mistakes, and from nothing they are not", () => {
  expect(
    jobNames("inputs:\n  a: { type: strin }\nsteps:\n  - { id: x, iff: , run: y }\n  - id: z\n    run: ["),
  ).toMatchObject({
    inputs: [{ name: "a", detail: "strin" }],
    stages: [{ id: "", steps: [{ id: "x" }, { id: "z" }] }],
  });
  expect(jobNames("")).toBeUndefined();
  expect(jobNames("- a\n- b")).toBeUndefined();
  expect(jobNames("inputs: 3\nsteps: { a: 1 }\nstages: [x]")).toEqual({
    inputs: [],
    stages: [{ id: "", steps: [], matrix: [] }],
  });
});
