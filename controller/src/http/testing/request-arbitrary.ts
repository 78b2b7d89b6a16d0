// Requests for one operation of the API, right ones and wrong ones, for fuzz-api.ts.
import fc from "fast-check";
import { judgeOf, type Operation, type Parameter } from "./api-operations.ts";
import { fitting, fittingNamed, nastyTexts, type Schema, spoilt } from "./schema-arbitrary.ts";

/** A path value that the run fills in with something that exists at that moment. */
export interface Known {
  known: number;
}

export interface FuzzRequest {
  method: string;
  pathValues: Readonly<Record<string, string | Known>>;
  query: readonly (readonly [string, string])[];
  headers: Readonly<Record<string, string>>;
  body: { type: string; text: string } | undefined;
  /** Without any token, or with one that is none. */
  anonymous: boolean;
  /** What of it the document forbids: an answer that takes it is a mistake. */
  forbidden: string | undefined;
}

const nasty = fc.constantFrom(...nastyTexts);
const headerText = fc.oneof(
  fc.string({ maxLength: 40 }).map((text) => text.trim()),
  fc.constantFrom("*", '"', '"1"', 'W/"1"', "\u00ff", "0", "bytes=0-", "bytes=-1", "bytes=9-1", "x".repeat(2_000)),
);
const otherHeaders = fc.record(
  {
    accept: fc.constantFrom("*/*", "text/html", "application/json;q=0", "x"),
    range: headerText,
    "if-range": headerText,
    "accept-encoding": fc.constantFrom("gzip", "br;q=1", "x"),
    "x-request-id": headerText,
    "x-forwarded-for": fc.constantFrom("127.0.0.1", "x, y", ""),
    cookie: fc.constantFrom("oc_refresh=x", "__Host-oc_refresh=x; =; ;", "%"),
  },
  { requiredKeys: [], noNullPrototype: true },
);
/** Each is a reason of its own to refuse a write. */
const refusedHeaders = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Record<string, string>>({}) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Record<string, string>>(
      { origin: "null" },
      { origin: "https://evil.example" },
      { "sec-fetch-site": "cross-site" },
      { "content-encoding": "gzip" },
    ),
  },
);

export function requestsOf(operation: Operation): fc.Arbitrary<FuzzRequest> {
  const right = fc.record({
    ...parts(operation, true),
    headers: headersOf(operation, true),
    anonymous: fc.constant(false),
  });
  const wrong = fc.record({
    ...parts(operation, false),
    headers: fc
      .tuple(rarely(otherHeaders, {}), refusedHeaders, headersOf(operation, false))
      .map(([a, b, c]) => ({ ...a, ...b, ...c })),
    anonymous: fc.nat(19).map((n) => n === 0),
  });
  const made = fc.oneof({ weight: 2, arbitrary: right }, { weight: 3, arbitrary: wrong });
  return made.map((request) => ({ ...request, forbidden: forbiddenIn(operation, request) }));
}

function parts(operation: Operation, right: boolean) {
  const { parameters, method } = operation;
  const inPath = parameters.filter((p) => p.in === "path");
  const known = fc.nat(999).map((n): Known => ({ known: n }));
  const pathValue = (p: Parameter) => {
    if (right && p.schema.type === "integer") return fittingNamed(p.name, p.schema).map(String);
    const other = right ? fitting(p.schema).map(String) : fc.oneof(nasty, spoilt(p.schema).map(textOf));
    return fc.oneof({ weight: right ? 5 : 2, arbitrary: known }, { weight: 1, arbitrary: other });
  };
  const values = Object.fromEntries(inPath.map((p) => [p.name, pathValue(p)]));
  const otherMethod = fc.constantFrom("PUT", "PATCH", "DELETE", "POST", "GET", "HEAD", "OPTIONS", "PROPFIND");
  return {
    method: right ? fc.constant(method) : fc.oneof({ weight: 15, arbitrary: fc.constant(method) }, otherMethod),
    pathValues: fc.record(values, { noNullPrototype: true }),
    query: queryOf(operation, right),
    body: bodyOf(operation, right),
  };
}

function queryOf({ parameters }: Operation, right: boolean): fc.Arbitrary<[string, string][]> {
  const inQuery = parameters.filter((p) => p.in === "query");
  const values = inQuery.map((p): fc.Arbitrary<[string, string][]> => {
    const value = right
      ? fittingNamed(p.name, p.schema).map(textOf)
      : fc.oneof(fitting(p.schema), spoilt(p.schema), nasty).map(textOf);
    const given = value.map((text): [string, string][] => [[p.name, text]]);
    return right && p.required ? given : rarely(given, []);
  });
  const unknown: [string, string][] = [["zzqx", "1"]];
  const extra = right ? [] : [fc.nat(9).map((n) => (n === 0 ? unknown : []))];
  return fc.tuple(...values, ...extra).map((all) => all.flat());
}

function headersOf({ parameters }: Operation, right: boolean): fc.Arbitrary<Record<string, string>> {
  const inHeader = parameters.filter((p) => p.in === "header");
  const values = inHeader.map(
    (p) => [p.name, right ? fittingNamed(p.name, p.schema).map(headerSafe) : headerText] as const,
  );
  const requiredKeys = right ? inHeader.filter((p) => p.required).map((p) => p.name) : [];
  return fc.record(Object.fromEntries(values), { requiredKeys, noNullPrototype: true });
}

function bodyOf({ bodies, bodyRequired, method }: Operation, right: boolean): fc.Arbitrary<FuzzRequest["body"]> {
  const none = fc.constant(undefined);
  if (!bodies) return right || method === "GET" ? none : rarely(rawBody, undefined);
  const described = fc.oneof(
    ...Object.entries(bodies).map(([type, schema]) =>
      (right ? rightBody(type, schema) : spoilt(schema)).map((value) => ({
        type,
        text: /json$/.test(type) ? JSON.stringify(value) : textOf(value),
      })),
    ),
  );
  if (right) return bodyRequired ? described : fc.oneof(described, none);
  return fc.oneof({ weight: 6, arbitrary: described }, { weight: 1, arbitrary: rawBody }, none);
}

/** A definition of a job has a schema of its own, which is not the document's. */
function rightBody(type: string, schema: Schema): fc.Arbitrary<unknown> {
  const definition = fc
    .tuple(fc.nat(20), fc.constantFrom("echo hi", "true", "df -h"))
    .map(([n, run]) => `apiVersion: opsconductor/v1\nkind: Job\nname: fuzzed-${n}\nsteps: [{ run: ${run} }]\n`);
  if (type === "text/yaml") return fc.oneof(definition, fitting(schema));
  return schema.type === "object" && !schema.properties
    ? definition.map((text) => ({ definition: text }))
    : fitting(schema);
}

const rawBody = fc.record({
  type: fc.constantFrom(
    "application/json",
    "text/yaml",
    "text/plain",
    "multipart/form-data",
    "application/json; charset=x",
    "",
  ),
  text: fc.oneof(
    nasty,
    fc.constantFrom("{", '{"a":1,"a":2}', "[".repeat(20_000), "nul", "a: &a [*a]", "{}}", "\ufeff{}", '"'),
  ),
});

/** As the document says, without what a header or a path may add. */
function forbiddenIn({ bodies, parameters }: Operation, { query, body }: Pick<FuzzRequest, "query" | "body">) {
  const schema = body && bodies?.[body.type];
  const wrongBody = schema && /json$/.test(body.type) ? judgeJsonText(schema, body.text) : undefined;
  if (wrongBody) return `body: ${wrongBody}`;
  for (const [name, text] of query) {
    const found = parameters.find((p) => p.in === "query" && p.name === name);
    const wrong = found && judgeText(found.schema, text);
    if (wrong) return `query ${name}: ${wrong}`;
  }
  return undefined;
}

/** An empty body may stand for none. */
function judgeJsonText(schema: Schema, text: string): string | undefined {
  if (text.trim() === "") return undefined;
  try {
    return judgeOf(schema)(JSON.parse(text.replace(/^\ufeff/, ""))); // RFC 8259 lets a reader ignore the mark
  } catch {
    return "not JSON";
  }
}

/** Numbers in queries are texts. */
function judgeText(schema: Schema, text: string): string | undefined {
  const judge = judgeOf(schema);
  return judge(text) && judge(text.trim() === "" ? text : Number(text));
}

const rarely = <T, E>(value: fc.Arbitrary<T>, otherwise: E) =>
  fc.oneof({ weight: 2, arbitrary: fc.constant(otherwise) }, { weight: 1, arbitrary: value });
const textOf = (value: unknown) => (typeof value === "string" ? value : (JSON.stringify(value) ?? ""));
/** What the Headers of fetch take. */
const headerSafe = (value: unknown) =>
  textOf(value)
    .replaceAll(/[^\x20-\x7e]/g, "?")
    .trim();
