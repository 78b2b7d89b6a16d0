// Values that fit a JSON schema, and values that were spoilt in one place, for the fuzz of the API (fuzz-api.ts).
import fc from "fast-check";

/** What our OpenAPI document uses of JSON Schema 2020-12. */
export interface Schema {
  type?: string | readonly string[];
  enum?: readonly unknown[];
  const?: unknown;
  anyOf?: readonly Schema[];
  oneOf?: readonly Schema[];
  allOf?: readonly Schema[];
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minItems?: number;
  maxItems?: number;
  items?: Schema;
  prefixItems?: readonly Schema[];
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  additionalProperties?: Schema | boolean;
  propertyNames?: Schema;
}

/** Values that exist in the fuzzed controller, by the name of a parameter or key, so that some requests succeed. */
const existing: Readonly<Record<string, readonly unknown[]>> = {
  names: [["web-1"], ["web-1", "web-2"]],
  target: ["web-1"],
  step: ["step-1"],
  try: [1],
  version: [1],
  job: ["deploy"],
  select: ["env=test", "name=web-1"],
  roles: [["viewer"], ["operator"]],
  topics: ["jobs", "executions,agents"],
  cidr: ["10.0.0.0/8"],
  expiresIn: ["1h"],
  "if-match": ["*", '"1"'],
  inputs: [{}],
  input_data: [{}],
  labels: [{ env: "test" }],
  attributes: [{}],
  services: [[]],
};

/** A fitting value of a parameter or key with this name. */
export function fittingNamed(name: string, schema: Schema): fc.Arbitrary<unknown> {
  const known = existing[name];
  return known ? fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...known) }, fitting(schema)) : fitting(schema);
}

/** What breaks parsers, databases and renderers. */
export const nastyTexts = [
  ..."\0 |\ud800|%|'|\\|../..|-1|1e300|1.5|9007199254740993|null|[]|{}|\u202e\u0000|é́ﬀ🏳️‍🌈|\r\nX: y|${7*7}|{{7*7}}".split(
    "|",
  ),
  "",
  "%00",
  "' or 1=1 --",
  "<img src=x onerror=alert(1)>",
  "9".repeat(400),
  "x".repeat(3_000),
  "__proto__",
  "constructor",
];

/** Code units, halves of pairs too; fast-check's own graphemes take seconds to build. */
const anyText = fc.oneof(
  { weight: 3, arbitrary: fc.string({ maxLength: 40 }) },
  { weight: 2, arbitrary: fc.constantFrom(...nastyTexts) },
  {
    weight: 1,
    arbitrary: fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 }).map((u) => String.fromCharCode(...u)),
  },
);

/** Any JSON, mostly small. */
export const anyJson: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(null, true, false, 0, -0, 1, -1, 17, 1.5, 1e300, 2 ** 53, -(2 ** 31) - 1),
    anyText,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(anyText, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

export function fitting(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return fc.oneof(...options.map(fitting));
  if (schema.allOf) return fc.tuple(...schema.allOf.map(fitting)).map((parts) => Object.assign({}, ...parts));
  const types = typeof schema.type === "string" ? [schema.type] : (schema.type ?? []);
  return types.length === 0 ? anyJson : fc.oneof(...types.map((type) => fittingType(type, schema)));
}

function fittingType(type: string, schema: Schema): fc.Arbitrary<unknown> {
  switch (type) {
    case "null":
      return fc.constant(null);
    case "boolean":
      return fc.boolean();
    case "integer":
      return fc.integer({
        min: schema.minimum ?? (schema.exclusiveMinimum ?? -(2 ** 31)) + 1,
        max: schema.maximum ?? (schema.exclusiveMaximum ?? 2 ** 31) - 1,
      });
    case "number":
      return fc.double({ min: schema.minimum ?? -1e9, max: schema.maximum ?? 1e9, noNaN: true });
    case "array":
      return fc.array(fitting(schema.items ?? {}), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 5, (schema.minItems ?? 0) + 4),
      });
    case "object":
      return fittingObject(schema);
    default:
      return fittingText(schema);
  }
}

function fittingObject({ properties = {}, required = [], additionalProperties, propertyNames }: Schema) {
  const known = fc.record(
    Object.fromEntries(Object.entries(properties).map(([key, part]) => [key, fittingNamed(key, part)])),
    {
      requiredKeys: required.filter((key) => key in properties),
      noNullPrototype: true,
    },
  );
  if (additionalProperties === undefined || typeof additionalProperties === "boolean") return known;
  const keys = fittingText(propertyNames ?? { maxLength: 20 });
  const others = fc.dictionary(keys, fitting(additionalProperties), { maxKeys: 3, noNullPrototype: true });
  return fc.tuple(others, known).map(([a, b]) => ({ ...a, ...b }));
}

function fittingText({ format, pattern, minLength = 0, maxLength = 60 }: Schema): fc.Arbitrary<string> {
  if (format === "uuid") return fc.uuid();
  if (format === "email") return fc.tuple(fc.nat(999), fc.nat(99)).map(([a, b]) => `a${a}@b${b}.example.org`);
  if (format === "uri") return fc.nat(99).map((n) => `https://example.org/${n}`);
  if (format === "date-time")
    return fc.date({ min: new Date(0), max: new Date("2200-01-01"), noInvalidDate: true }).map((d) => d.toISOString());
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern), { size: "xsmall" });
  const text = fc.string({ minLength, maxLength: Math.min(maxLength, minLength + 30) });
  const nasty = nastyTexts.filter((t) => t.length >= minLength && t.length <= maxLength && t.isWellFormed());
  return nasty.length === 0 ? text : fc.oneof({ weight: 4, arbitrary: text }, fc.constantFrom(...nasty));
}

/** A fitting value with one place of it replaced, left out or added to; or anything at all. */
export function spoilt(schema: Schema): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.tuple(fitting(schema), fc.nat(), anyJson, fc.nat(2)).map((all) => spoil(...all)) },
    { weight: 1, arbitrary: anyJson },
  );
}

function spoil(value: unknown, place: number, by: unknown, how: number): unknown {
  if (typeof value !== "object" || value === null) return by;
  const keys = Object.keys(value);
  if (keys.length === 0 || how === 2) return Array.isArray(value) ? [...value, by] : { ...value, zzqx: by };
  const key = keys[place % keys.length]!;
  const inner = (value as Record<string, unknown>)[key];
  const replaced = how === 1 ? undefined : spoil(inner, Math.floor(place / keys.length), by, place % 3);
  if (Array.isArray(value)) return value.map((item, n) => (String(n) === key ? replaced : item));
  const { [key]: _, ...rest } = value as Record<string, unknown>;
  return replaced === undefined ? rest : { ...rest, [key]: replaced };
}
