// Wrong inputs made from a schema: for each field one that is missing, null, of another type, too long, out of range,
// and keys that nobody knows. For tests that every refusal is told in words.
import type { z } from "@hono/zod-openapi";

export interface Wrong {
  /** Where the mistake is. */
  path: string;
  what: string;
  input: unknown;
}

type Shape = Record<string, z.ZodType>;

/** `base` is right; each wrong input differs from it in one place. */
export function wrongBodies(schema: z.ZodType, base: Record<string, unknown>): Wrong[] {
  const shape = (schema as z.ZodObject).shape as Shape;
  const whole = [[], "text", 17, null].map((input) => ({
    path: "",
    what: `the body is ${JSON.stringify(input)}`,
    input,
  }));
  const isStrict = schema.safeParse({ ...base, zzqx: 1 }).success === false;
  const unknown = isStrict ? [{ path: "zzqx", what: "an unknown key", input: { ...base, zzqx: 1 } }] : [];
  const fields = Object.entries(shape).flatMap(([key, field]) =>
    wrongValues(field).map(({ what, value }) => {
      const { [key]: _, ...rest } = base;
      return { path: key, what, input: value === undefined ? rest : { ...base, [key]: value } };
    }),
  );
  return [...whole, ...unknown, ...fields];
}

/** As texts: what a query can say. */
export function wrongQueries(schema: z.ZodType): { path: string; what: string; query: [string, string][] }[] {
  const shape = (schema as z.ZodObject).shape as Shape;
  const fields = Object.entries(shape).flatMap(([key, field]) => [
    ...candidates
      .filter((value) => typeof value === "string" && !field.safeParse(value).success)
      .map((value) => ({ path: `query.${key}`, what: String(value).slice(0, 20), query: [[key, String(value)]] })),
    {
      path: `query.${key}`,
      what: "twice",
      query: [
        [key, "1"],
        [key, "2"],
      ],
    },
  ]) as { path: string; what: string; query: [string, string][] }[];
  return [...fields, { path: "query.zzqx", what: "unknown", query: [["zzqx", "1"]] }];
}

const candidates = [
  null,
  true,
  17,
  1.5,
  -1,
  1e300,
  "",
  "abc",
  "NaN",
  "1.5",
  "0",
  "99999999",
  "x".repeat(30_000),
  [],
  [1],
  ["a", null],
  {},
  { "a b": "c" },
  { a: 1 },
  Array(10_001).fill("a"),
];

function wrongValues(field: z.ZodType): { what: string; value: unknown }[] {
  const wrong = candidates
    .filter((value) => !field.safeParse(value).success)
    .map((value) => ({ what: JSON.stringify(value).slice(0, 30), value: value as unknown }));
  return field.safeParse(undefined).success ? wrong : [...wrong, { what: "missing", value: undefined }];
}
