import { expect, test } from "vitest";
import { jobJsonSchema } from "./job-json-schema.ts";
import type { JsonSchema } from "./to-json-schema.ts";

/** Every key of the format with its path: `steps[].retry.max`. */
function keysOf(schema: JsonSchema, path = ""): { path: string; schema: JsonSchema }[] {
  const own = Object.entries(schema.properties ?? {}).map(([key, value]) => ({ path: `${path}${key}`, schema: value }));
  const inner = own.flatMap((key) => keysOf(key.schema, `${key.path}.`));
  const branches = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap((branch) => keysOf(branch, path));
  const items = schema.items ? keysOf(schema.items, path.replace(/\.$/, "[].")) : [];
  const values = schema.additionalProperties;
  const named = typeof values === "object" ? keysOf(values, `${path}<name>.`) : [];
  const chosen = (schema.allOf ?? []).flatMap(({ then }) => keysOf(then, path));
  return [...own, ...inner, ...branches, ...items, ...named, ...chosen];
}

test("editors get every key with a description", () => {
  const keys = keysOf(jobJsonSchema());
  expect(keys.length).toBeGreaterThan(120);
  expect(keys.filter(({ schema }) => !schema.description).map(({ path }) => path)).toEqual([]);
});

test("editors learn which keys are required, and that others are errors", () => {
  const schema = jobJsonSchema();
  expect(schema.required).toEqual(["apiVersion", "kind", "name"]);
  expect(schema.additionalProperties).toBe(false);
  expect(schema.properties!.steps!.items).toMatchObject({ additionalProperties: false });
});
