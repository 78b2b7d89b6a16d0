// Says in words what a schema refused: which field, what is wrong with it, what it takes, which word was probably meant.
// The one place where the library's issues become messages of the API. Pure; used by router.ts and whatever parses with
// a schema itself.
import type { FieldError } from "@opsconductor/contract/errors";
import { suggest } from "@opsconductor/contract/job/suggest";
import { oneLine } from "@opsconductor/contract/one-line";
import type { z } from "zod";
import { keysAt, numberAt } from "./schema-words.ts";

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];
/** Query parameters, path parameters and headers are text: their type is never what is wrong with them. */
export type Where = "json" | "query" | "param" | "header" | "cookie" | "form";

export interface Refused {
  where: Where;
  schema: z.ZodType;
  input: unknown;
  issues: readonly Issue[];
}

export function explainIssues({ where, schema, input, issues }: Refused): FieldError[] {
  const inBody = where === "json";
  const explain = (issue: Issue, base: Path): FieldError[] => {
    const path = [...base, ...issue.path];
    const value = valueAt(input, path);
    if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(path, key));
    if (issue.code === "invalid_union") {
      const meant = meantBranch(issue, value);
      if (meant) return meant.flatMap((inner) => explain(inner, path));
    }
    if (!inBody && Array.isArray(value)) return [at(path, `is given ${value.length} times; give it once`)];
    const wanted = numberAt(schema, path) ?? wantedBy(issue);
    return [withSuggestion(at(path, messageOf({ issue, wanted, value, inBody })), issue, value)];
  };
  const unknownKey = (path: Path, key: string): FieldError => {
    const known = keysAt(schema, path);
    const suggestion = suggest(key, known);
    const what = inBody ? "is no key of this" : `is no ${where === "query" ? "query parameter" : where} of this route`;
    const rest = suggestion
      ? `; did you mean ${suggestion}?`
      : known.length > 0
        ? `; it takes ${known.join(", ")}`
        : "";
    return { ...at([...path, key], `${what}${rest}`), ...(suggestion ? { suggestion } : {}) };
  };
  const at = (path: Path, message: string): FieldError => ({
    path: [...(inBody ? [] : [where]), ...path].map(String).join("."),
    message,
  });
  return issues.flatMap((issue) => explain(issue, []));
}

/** "limit must be at most 1000", "name: there is one already": a message alone is no sentence. */
export function sentenceOf({ path, message }: FieldError): string {
  const subject = path === "" ? "The body" : path;
  return /^(must|is|has|stands) /.test(message) ? `${subject} ${message}` : `${subject}: ${message}`;
}

interface Told {
  issue: Issue;
  /** As it stands behind "must be"; undefined where only the issue says it. */
  wanted: string | undefined;
  value: unknown;
  inBody: boolean;
}

function messageOf({ issue, wanted, value, inBody }: Told): string {
  if (value === undefined) return wanted ? `is missing: it must be ${wanted}` : "is missing";
  if (wanted) return `must be ${wanted}, and this is ${describe(value, inBody)}`;
  if (issue.code === "too_big" || issue.code === "too_small") return bound(issue, value);
  return issue.code === "invalid_key" ? `is no name for this: ${issue.issues[0]?.message ?? ""}` : issue.message;
}

/** What would have been right, where that is not a number. */
function wantedBy(issue: Issue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return typeNames[issue.expected] ?? issue.expected;
    case "invalid_value":
      return issue.values.length === 1 ? String(issue.values[0]) : `one of ${issue.values.join(", ")}`;
    case "invalid_format":
      if (isOurs(issue)) return issue.message;
      return issue.format === "regex" ? `like ${issue.pattern}` : (formatNames[issue.format] ?? issue.format);
    case "invalid_union":
      return isOurs(issue) ? issue.message : undefined;
    default:
      return undefined;
  }
}

/** The schema's author wrote the message: the library's all begin with these. */
const isOurs = ({ message }: Issue) => !/^(Invalid|Too (big|small)|Unrecognized)/.test(message);

const typeNames: Record<string, string> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

const formatNames: Record<string, string> = {
  uuid: "a UUID",
  email: "an e-mail address like ann@example.com",
  datetime: "a time like 2026-11-23T17:00:00Z",
  url: "an address like https://example.com",
};

const units: Record<string, string> = { string: "characters", array: "items" };

function bound(issue: Issue & { code: "too_big" | "too_small" }, value: unknown): string {
  const unit = units[issue.origin];
  if (isOurs(issue) || unit === undefined) return issue.message;
  const [side, limit] =
    issue.code === "too_big" ? (["at most", issue.maximum] as const) : (["at least", issue.minimum] as const);
  if (issue.code === "too_small" && limit === 1) return "must not be empty";
  // The library counts characters, not their halves; so do we when we say how many there are.
  return `must have ${side} ${limit} ${unit}, and this has ${[...(value as string | unknown[])].length}`;
}

function withSuggestion(error: FieldError, issue: Issue, value: unknown): FieldError {
  if (issue.code !== "invalid_value" || typeof value !== "string") return error;
  const suggestion = suggest(value, issue.values.map(String));
  return suggestion ? { ...error, message: `${error.message}; did you mean ${suggestion}?`, suggestion } : error;
}

/** Of several shapes the one whose own keys are there; undefined when that can be said of none, or of more. */
function meantBranch(issue: Issue & { code: "invalid_union" }, value: unknown): Issue[] | undefined {
  const isAbsent = (inner: Issue) =>
    inner.path.length === 0 ? inner.code === "invalid_type" : valueAt(value, inner.path) === undefined;
  const possible = issue.errors.filter((branch) => branch.length > 0 && !branch.some(isAbsent));
  const [meant] = possible;
  return possible.length === 1 ? meant : undefined;
}

function describe(value: unknown, inBody: boolean): string {
  if (typeof value === "string") return inBody ? `the text ${quote(value)}` : quote(value);
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}

const quote = (text: string) => `"${oneLine(text.length > 40 ? `${text.slice(0, 40)}…` : text)}"`;

function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}
