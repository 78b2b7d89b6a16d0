// Turns what the schema refused into errors an operator can act on: the place, the reason, the likely word. Used by
// parse-job.ts. Pure.
import type { z } from "zod";
import {
  apiVersion,
  inputSpec,
  inputTypes,
  jobSchema,
  laterKeys,
  shells,
  stageSchema,
  stepSchema,
} from "./job-schema.ts";
import { limitsSchema } from "./limits-schema.ts";
import { approvalSchema, concurrencySchema, rolloutSchema } from "./rollout-schema.ts";
import { suggest } from "./suggest.ts";
import type { Path } from "./yaml-values.ts";

export interface PlacedError {
  path: Path;
  message: string;
  suggestion?: string;
  /** Point at the key instead of its value. */
  atKey?: boolean;
  /** Said of a key that is not there. */
  missing?: boolean;
}

export type Issue = z.core.$ZodIssue;
type Area = keyof typeof laterKeys;

export function schemaErrors(issues: readonly Issue[], root: unknown): PlacedError[] {
  return oneMistakeEach(issues.flatMap((issue) => explain(issue, [], root)));
}

/** `rnu: df` is one mistake, not an unknown key and a missing one. */
function oneMistakeEach(errors: PlacedError[]): PlacedError[] {
  const meant = new Set(errors.map(({ path, suggestion }) => JSON.stringify([...path.slice(0, -1), suggestion])));
  return errors.filter((error) => !(error.missing && meant.has(JSON.stringify(error.path))));
}

/** Issues of another schema than the job's: `keysAt` knows the keys of the mapping at a path. */
export function explainIssues(
  issues: readonly Issue[],
  root: unknown,
  keysAt: (path: Path) => string[],
): PlacedError[] {
  const known = (path: Path) => ({ area: undefined, known: keysAt(path) });
  return oneMistakeEach(issues.flatMap((issue) => explain(issue, [], root, known)));
}

type KnownKeys = (path: Path, root: unknown) => { area: Area | undefined; known: string[] };

function explain(issue: Issue, base: Path, root: unknown, known: KnownKeys = keysAt): PlacedError[] {
  const path = [...base, ...(issue.path as (string | number)[])];
  const value = valueAt(root, path);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey(path, key, known(path, root)));
    case "invalid_key":
      return [{ path, message: issue.issues[0]?.message ?? "is not a valid name", atKey: true }];
    case "invalid_union":
      return union(issue, path, value, root);
    case "invalid_type":
      return [wrongType(issue.expected, path, value, issue.message)];
    case "invalid_value":
      return [wrongWord(path, value, issue.values.map(String))];
    case "invalid_format":
    case "custom":
      return [{ path, message: issue.message }];
    default:
      return [{ path, message: bound(issue) }];
  }
}

/** Unions report every branch; the one that got deepest is the one that was meant. */
function union(issue: Issue & { code: "invalid_union" }, path: Path, value: unknown, root: unknown): PlacedError[] {
  if ("discriminator" in issue && issue.discriminator)
    return [inputType(path.at(-1) === "type" ? path.slice(0, -1) : path, root)];
  if (value === undefined) return [{ path, message: `${path.at(-1)} is missing`, missing: true }];
  if (value === null) return [emptyValue(path, "text")];
  const deeper = issue.errors.find((branch) => branch.some((inner) => inner.path.length > 0));
  if (deeper) return deeper.flatMap((inner) => explain(inner, path, root));
  const sameType = issue.errors.find((branch) => branch.every((inner) => inner.code !== "invalid_type"));
  if (sameType?.length) return sameType.flatMap((inner) => explain(inner, path, root));
  return [{ path, message: issue.message }];
}

function inputType(path: Path, root: unknown): PlacedError {
  const value = valueAt(root, path);
  const given = isRecord(value) ? value.type : undefined;
  const list = inputTypes.join(", ");
  if (given === undefined) return { path, message: `an input needs a type: one of ${list}`, atKey: true };
  return withSuggestion(
    { path: [...path, "type"], message: `${show(given)} is no input type; one of ${list}` },
    given,
    [...inputTypes],
  );
}

function wrongType(expected: string, path: Path, value: unknown, message: string): PlacedError {
  const key = String(path.at(-1) ?? "the definition");
  if (value === undefined) return { path, message: `${key} is missing`, missing: true };
  if (path.length === 0) return { path, message: "a job is a mapping of keys: start with apiVersion, kind and name" };
  if (value === null) return emptyValue(path, nameOf(expected));
  // Messages of our own schema start with "must be"; the library's do not.
  if (message.startsWith("must be")) return { path, message };
  if (expected === "string" && (typeof value === "number" || typeof value === "boolean")) {
    return { path, message: `must be text, and this is ${describe(value)}; put it in quotes` };
  }
  return { path, message: `must be ${nameOf(expected)}, and this is ${describe(value)}` };
}

function emptyValue(path: Path, wanted: string): PlacedError {
  return { path, message: `${path.at(-1)} has no value: write ${wanted} or remove the key`, atKey: true };
}

function wrongWord(path: Path, value: unknown, allowed: string[]): PlacedError {
  const key = path.at(-1);
  if (value === undefined)
    return { path, message: `${String(key)} is missing: write ${String(key)}: ${allowed[0]}`, missing: true };
  if (path.length === 1 && key === "kind") return { path, message: wrongKind(value) };
  if (path.length === 1 && key === "apiVersion") {
    return { path, message: `this version reads apiVersion ${apiVersion}, not ${show(value)}`, suggestion: apiVersion };
  }
  if (key === "shell")
    return withSuggestion({ path, message: `${show(value)} is no shell; one of ${shells.join(", ")}` }, value, allowed);
  return withSuggestion(
    { path, message: `must be one of ${allowed.join(", ")}, and this is ${show(value)}` },
    value,
    allowed,
  );
}

function wrongKind(value: unknown): string {
  if (value === "Schedule") return "schedules are not supported by this version yet; only kind: Job is";
  return `kind must be Job, and this is ${show(value)}`;
}

function unknownKey(path: Path, key: string, { area, known }: ReturnType<KnownKeys>): PlacedError {
  const place = { path: [...path, key], atKey: true };
  const later = area && Object.hasOwn(laterKeys[area], key) ? laterKeys[area][key] : undefined;
  if (later) return { ...place, message: `${key} is not supported yet: this version has no ${later}; remove it` };
  return withSuggestion({ ...place, message: `unknown key ${key}` }, key, known);
}

/** Which keys may stand in the mapping at `path`. */
function keysAt(path: Path, root: unknown): { area: Area | undefined; known: string[] } {
  const [first, , third] = path;
  if (first === "stages") return keysInStage(path, root);
  if (first === "rollout") return { area: undefined, known: Object.keys(rolloutSchema.shape) };
  if (first === "approval") return { area: undefined, known: Object.keys(approvalSchema.shape) };
  if (first === "concurrency") return { area: undefined, known: Object.keys(concurrencySchema.shape) };
  const steps = first === "steps" || first === "onFailure" || first === "finally";
  if (path.length === 0) return { area: "job", known: Object.keys(jobSchema.shape) };
  if (first === "targets") return { area: "targets", known: Object.keys(jobSchema.shape.targets.unwrap().shape) };
  if (first === "limits" || (steps && third === "limits"))
    return { area: undefined, known: Object.keys(limitsSchema.shape) };
  if (steps && path.length === 2) return { area: "step", known: Object.keys(stepSchema.shape) };
  if (steps && third === "retry") return { area: undefined, known: Object.keys(stepSchema.shape.retry.unwrap().shape) };
  if (first === "inputs") return { area: undefined, known: inputKeys(valueAt(root, path)) };
  return { area: undefined, known: [] };
}

/** Inside a stage the same keys stand at the same places as in a job. */
function keysInStage(path: Path, root: unknown): { area: Area | undefined; known: string[] } {
  if (path.length === 2) return { area: "stage", known: Object.keys(stageSchema.shape) };
  const [third] = path.slice(2);
  return third === "inputs" ? { area: undefined, known: [] } : keysAt(path.slice(2), valueAt(root, path.slice(0, 2)));
}

function inputKeys(value: unknown): string[] {
  const type = isRecord(value) ? value.type : undefined;
  const spec = inputSpec.options.find((option) => option.shape.type.value === type);
  return spec ? Object.keys(spec.shape) : [];
}

function withSuggestion(error: PlacedError, word: unknown, known: string[]): PlacedError {
  const suggestion = typeof word === "string" ? suggest(word, known) : undefined;
  if (suggestion === undefined) return error;
  return { ...error, message: `${error.message}; did you mean ${suggestion}?`, suggestion };
}

function bound(issue: Issue): string {
  if (issue.code !== "too_big" && issue.code !== "too_small") return issue.message;
  const custom = !/^Too (big|small)/.test(issue.message);
  if (custom) return issue.message;
  const limit = issue.code === "too_big" ? issue.maximum : issue.minimum;
  if (issue.code === "too_small" && limit === 1 && issue.origin !== "number") return "must not be empty";
  const side = issue.code === "too_big" ? "at most" : "at least";
  const unit = issue.origin === "string" ? " characters" : issue.origin === "array" ? " items" : "";
  return `must ${unit ? "have" : "be"} ${side} ${limit}${unit}`;
}

const names: Record<string, string> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping of keys",
  record: "a mapping of keys",
};
const nameOf = (expected: string) => names[expected] ?? expected;

function describe(value: unknown): string {
  if (value === null) return "empty";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  if (typeof value === "string") return `text (${show(value)})`;
  return `${typeof value === "boolean" ? "" : "the number "}${value}`;
}

function show(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  return `"${text.length > 40 ? `${text.slice(0, 40)}…` : text}"`;
}

export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string | number, unknown>)[key];
  }
  return value;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
