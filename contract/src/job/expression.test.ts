import fc from "fast-check";
import { expect, test } from "vitest";
import {
  checkExpression,
  ExpressionError,
  type ExpressionNames,
  type ExpressionScope,
  evaluateCondition,
  evaluateText,
} from "./expression.ts";
import { bareCondition, checkTemplate, interpolate } from "./template.ts";

/** Any UTF-16 unit, halves of pairs too. (The tables behind fast-check's own units take seconds to build.) */
const anyUnit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));
const names: ExpressionNames = {
  inputs: { keep_days: "int", ratio: "double", ticket: "string", dry: "bool", hosts: "list<string>" },
  steps: { check: { outputs: undefined }, "my-step": { outputs: ["used"] } },
};
const scope: ExpressionScope = {
  inputs: { keep_days: 14, ratio: 0.5, ticket: "OPS-1", dry: true, hosts: ["a", "b"] },
  steps: {
    check: { state: "succeeded", outputs: { used: "3%" } },
    "my-step": { state: "failed", outputs: {} },
  },
  target: { id: "t1", name: "web-01" },
  execution: { id: "e1", number: 7, job: "demo" },
  outcome: "failure",
};

test.each([
  ['steps.check.outputs.used != "0%"', true],
  ['steps["my-step"].state == "failed"', true],
  ["inputs.keep_days > 7 && inputs.dry", true],
  ["inputs.ratio < 1.0", true],
  ["size(inputs.hosts) == 2", true],
  ['inputs.hosts.exists(h, h == "b")', true],
  ['"c" in inputs.hosts', false],
  ['target.name.startsWith("web-")', true],
  ["execution.number == 7", true],
  ["success()", false],
  ["failure()", true],
  ["always()", true],
  ["has(steps.check.outputs.free)", false],
  ['has(steps.check.outputs.free) && steps.check.outputs.free == "1"', false],
  ['int(steps.check.outputs.used.contains("3") ? "3" : "4") == 3', true],
])("%s is %s", (text, expected) => {
  expect(checkExpression(text, names, "bool")).toBeUndefined();
  expect(evaluateCondition(text, names, scope)).toBe(expected);
});

test.each([
  ["inputs.keep_day > 1", 7, "there is no input called keep_day; did you mean keep_days?"],
  ["steps.chek.state == 'x'", 6, "there is no step before this one called chek; did you mean check?"],
  ['steps.my-step.state == "x"', 6, 'an id with a dash is written steps["my-step"]'],
  ['steps["my-step"].outputs.usd == ""', 25, "step my-step does not declare the output usd; did you mean used?"],
  ["input.keep_days > 1", 0, "there is no variable called input; did you mean inputs?"],
  ["inputs.ticket > 3", 0, "string > int does not fit together"],
  ["inputs.ticket", 0, "a condition must be true or false, and this is text"],
  ["inputs.keep_days +", 18, "something is missing at the end"],
  ["inputs.keep_days = 1", 17, "= is not used here: equality is written =="],
  ["failed()", 0, "failed() is not available in expressions; did you mean failure?"],
  ["has(inputs.keep_day)", 11, "there is no input called keep_day; did you mean keep_days?"],
  ["has(steps.chek.outputs.used)", 10, "there is no step before this one called chek; did you mean check?"],
  ['has(steps["my-stp"].outputs.used)', 11, "there is no step before this one called my-stp; did you mean my-step?"],
  ["sucess()", 0, "sucess() is not available in expressions; did you mean success?"],
  ['inputs.ticket.matches("(a+)+$")', 0, "matches() is not available in expressions"],
  ["cel.bind(a, 1, a == 1)", 0, "bind() is not available"],
  ["inputs.hosts.exists(h, inputs.hosts.exists(g, g == h))", 23, "inside another loop is not available"],
  ["inputs.constructor == 1", 7, "there is no input called constructor"],
  ["[1] == [[1]] && __proto__ == 1", 16, "reserved identifier"],
  ["true", -1, ""],
  ["a".repeat(3000), 0, "an expression has at most 2048 characters"],
  [`${"(".repeat(200)}true${")".repeat(200)}`, -2, "depth"],
])("%s is refused when the job is saved", (text, offset, message) => {
  const problem = checkExpression(text, names, "bool");
  if (offset === -1) return expect(problem).toBeUndefined();
  expect(problem?.message.toLowerCase()).toContain(message.toLowerCase());
  if (offset >= 0) expect(problem?.offset).toBe(offset);
});

test("has() takes ids with a dash and targets in brackets, and is false for what is not there", () => {
  const withStages: ExpressionNames = { ...names, stages: ["deploy"] };
  const deploy = { state: "succeeded" as const, outputs: {}, targets: { "web-1": { v: "7" } } };
  const holds = (text: string) => {
    expect(checkExpression(text, withStages, "bool")).toBeUndefined();
    return evaluateCondition(text, withStages, { ...scope, stages: { deploy } });
  };
  expect(holds('has(steps["my-step"].outputs.used)')).toBe(false);
  expect(holds('has(stages.deploy.targets["web-1"].v)')).toBe(true);
  expect(holds('has(stages.deploy.targets["web-1"].w)')).toBe(false);
  expect(holds('has(stages.deploy.targets["web-2"].v)')).toBe(false);
  expect(holds('has(stages.deploy.targets["web-2"]["v"])')).toBe(false);
  expect(checkExpression("has(stages.deplyo.outputs.v)", withStages, "bool")).toMatchObject({ suggestion: "deploy" });
});

test("an output that a step did not write fails with a message that says what to do", () => {
  const run = () => evaluateCondition("steps.check.outputs.free == '1'", names, scope);
  expect(run).toThrow(ExpressionError);
  expect(run).toThrow("there is no free here; test with has(…) first");
});

test("names of the language itself are no values", () => {
  for (const name of ["constructor", "__proto__", "toString", "hasOwnProperty"]) {
    const run = () => evaluateText(`steps.check.outputs.${name}`, names, scope);
    expect(run, name).toThrow(ExpressionError);
  }
});

test("no text makes the check throw", () => {
  const words = fc.array(
    fc.constantFrom(
      "inputs",
      ".",
      "keep_days",
      "==",
      "1",
      '"a"',
      "(",
      ")",
      "&&",
      "!",
      "steps",
      "[",
      "]",
      "?",
      ":",
      "has(",
      "-",
      "\\",
      "'",
    ),
  );
  const text = fc.oneof(
    fc.string({ unit: anyUnit }),
    words.map((list) => list.join("")),
    words.map((list) => list.join(" ")),
  );
  fc.assert(
    fc.property(text, (source) => {
      const problem = checkExpression(source, names, "bool");
      if (problem) expect(problem.message).not.toBe("");
    }),
    { numRuns: 1000 },
  );
});

test("templates take values of every type that has a text", () => {
  const template =
    "--keep=${{ inputs.keep_days }} ${{inputs.ratio}} ${{ inputs.dry }} ${{ inputs.hosts.join(',') }} ${{ \"}}\" }}";
  expect(checkTemplate(template, names)).toBeUndefined();
  expect(interpolate(template, names, scope)).toBe("--keep=14 0.5 true a,b }}");
});

test.each([
  ["x ${{ inputs.nope }}", 13, "there is no input called nope"],
  ["x ${{ inputs.ticket", 2, "this ${{ has no }}"],
  ["${{ inputs.hosts }}", 4, 'this is a list; join it to text with .join(",")'],
  ["${{ }}", 3, "this ${{ }} is empty"],
])("the template %s is refused with its place", (template, offset, message) => {
  const problem = checkTemplate(template, names);
  expect(problem?.message).toContain(message);
  expect(problem?.offset).toBe(offset);
});

test("what a value contains is never evaluated again", () => {
  const parts = fc.array(fc.constantFrom("${{", "}}", " inputs.dry ", "$", "{", "x", "\\", '"'));
  const value = fc.oneof(
    parts.map((list) => list.join("")),
    fc.string(),
  );
  fc.assert(
    fc.property(value, value, (ticket, used) => {
      const values = {
        ...scope,
        inputs: { ticket },
        steps: { ...scope.steps, check: { state: "succeeded" as const, outputs: { used } } },
      };
      const text = interpolate("<${{ inputs.ticket }}|${{ steps.check.outputs.used }}>", names, values);
      expect(text).toBe(`<${ticket}|${used}>`);
    }),
  );
});

test("text without an opening is left as it is", () => {
  const text = fc.string().filter((value) => !value.includes("${{"));
  fc.assert(fc.property(text, (value) => interpolate(value, names, scope) === value));
});

test("a condition may be wrapped whole, and is not unwrapped when it is more than one expression", () => {
  expect(bareCondition("${{ inputs.dry }}")).toBe("inputs.dry");
  expect(bareCondition(" inputs.dry ")).toBe("inputs.dry");
  expect(bareCondition("${{ a }} && ${{ b }}")).toBe("${{ a }} && ${{ b }}");
});
