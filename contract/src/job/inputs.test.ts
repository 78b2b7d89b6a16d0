import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson, checkInputs, inputEnvironment } from "./inputs.ts";
import type { Job } from "./job-schema.ts";

const specs: Job["inputs"] = {
  keep_days: { type: "integer", default: 14, minimum: 1, maximum: 90 },
  ticket: { type: "string", pattern: "^OPS-[0-9]+$", required: true, description: "the change" },
  ratio: { type: "number", maximum: 1 },
  dry: { type: "boolean", default: false },
  level: { type: "choice", options: ["low", "high"] },
  hosts: { type: "list", maxItems: 2 },
};
const messages = (given: Record<string, unknown>) => checkInputs(specs, given).errors.map((e) => e.message);

test("defaults are filled in, and optional inputs stay absent", () => {
  const { values, errors } = checkInputs(specs, { ticket: "OPS-1" });
  expect(errors).toEqual([]);
  expect(values).toEqual({ keep_days: 14, ticket: "OPS-1", dry: false });
});

test("null means not given", () => {
  expect(checkInputs(specs, { ticket: "OPS-1", keep_days: null, ratio: null }).values.keep_days).toBe(14);
});

test.each([
  [{}, "ticket is required (the change)"],
  [{ ticket: "x" }, "ticket must match ^OPS-[0-9]+$"],
  [{ ticket: 5 }, "ticket must be text"],
  [{ ticket: "OPS-1", keepdays: 1 }, "there is no input keepdays; did you mean keep_days?"],
  [
    { ticket: "OPS-1", constructor: 1 },
    "there is no input constructor; the job has keep_days, ticket, ratio, dry, level, hosts",
  ],
  [{ ticket: "OPS-1", keep_days: "14" }, "keep_days must be a whole number"],
  [{ ticket: "OPS-1", keep_days: 1.5 }, "keep_days must be a whole number"],
  [{ ticket: "OPS-1", keep_days: 0 }, "keep_days must be at least 1"],
  [{ ticket: "OPS-1", keep_days: 91 }, "keep_days must be at most 90"],
  [{ ticket: "OPS-1", ratio: Number.NaN }, "ratio must be a number"],
  [{ ticket: "OPS-1", dry: "yes" }, "dry must be true or false"],
  [{ ticket: "OPS-1", level: "mid" }, "level must be one of low, high"],
  [{ ticket: "OPS-1", hosts: "a" }, "hosts must be a list of texts"],
  [{ ticket: "OPS-1", hosts: ["a", "b", "c"] }, "hosts has at most 2 items"],
  [{ ticket: "OPS-1", hosts: ["a\nb"] }, "hosts has items with line breaks; one item is one line"],
  [{ ticket: `OPS-1${"1".repeat(5000)}` }, "ticket has at most 4096 characters"],
])("%j is refused: %s", (given, message) => {
  expect(messages(given)).toEqual([message]);
});

test("inputs that would not fit into an environment are refused together", () => {
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`i${i}`, { type: "string" as const }]));
  const given = Object.fromEntries(Object.keys(many).map((key) => [key, "x".repeat(4000)]));
  expect(checkInputs(many, given).errors[0]?.message).toMatch(/at most 256 KiB/);
});

test("inputs reach a step as INPUT_ variables, lists one item a line", () => {
  expect(inputEnvironment({ keep_days: 14, dry: false, hosts: ["a", "b"] })).toEqual({
    INPUT_KEEP_DAYS: "14",
    INPUT_DRY: "false",
    INPUT_HOSTS: "a\nb",
  });
});

test("whatever is given, the answer is values of the declared types or errors with a path", () => {
  const given = fc.dictionary(
    fc.oneof(fc.constantFrom(...Object.keys(specs)), fc.string()),
    fc.anything({ maxDepth: 1 }),
  );
  fc.assert(
    fc.property(given, (input) => {
      const { values, errors } = checkInputs(specs, input);
      for (const error of errors) expect(error.path).toMatch(/^inputs/);
      if (errors.length === 0) expect(checkInputs(specs, values)).toEqual({ values, errors: [] });
    }),
    { numRuns: 500 },
  );
});

test("canonical JSON is the same for every order of keys, and says the same", () => {
  const json = fc.jsonValue({ maxDepth: 3 });
  fc.assert(
    fc.property(json, (value) => {
      const text = canonicalJson(value);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(canonicalJson(shuffled(value))).toBe(text);
    }),
  );
});

function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, shuffled(item)]),
  );
}
