// Inputs of one execution: check them against what the job declares, fill in defaults, hand them to steps. Called when
// an execution is created (controller), shown in the form (console), made environment (agent). Pure.
import type { FieldError } from "../errors.ts";
import type { ExpressionType, InputValue } from "./expression.ts";
import type { InputSpec, Job } from "./job-schema.ts";
import { compilePattern, matchesPattern } from "./pattern.ts";
import { suggest } from "./suggest.ts";

const defaultMaxLength = 4096;
const maxListItems = 1000;
/** Environment of a process: Linux refuses a single variable of 128 KiB and all of them at about 2 MiB. */
const maxTotalBytes = 256 * 1024;

export interface CheckedInputs {
  /** Only meaningful when there are no errors. Optional inputs that were not given are absent. */
  values: Record<string, InputValue>;
  errors: FieldError[];
}

export function checkInputs(specs: Job["inputs"], given: Record<string, unknown>): CheckedInputs {
  const errors: FieldError[] = [];
  const values: Record<string, InputValue> = {};
  const refuse = (name: string, message: string, suggestion?: string) =>
    errors.push({ path: `inputs.${name}`, message, ...(suggestion ? { suggestion } : {}) });
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(specs, name)) refuse(name, ...unknownInput(name, Object.keys(specs)));
  }
  for (const [name, spec] of Object.entries(specs)) {
    const value = Object.hasOwn(given, name) && given[name] !== null ? given[name] : spec.default;
    if (value === undefined) {
      if (spec.required) refuse(name, `${name} is required${spec.description ? ` (${spec.description})` : ""}`);
      continue;
    }
    const message = inputProblem(spec, value);
    if (message) refuse(name, `${name} ${message}`);
    else values[name] = value as InputValue;
  }
  if (errors.length === 0 && byteLength(canonicalJson(values)) > maxTotalBytes) {
    errors.push({ path: "inputs", message: "all inputs together have at most 256 KiB; put large data in a file" });
  }
  return { values, errors };
}

function unknownInput(name: string, known: string[]): [string, string?] {
  const suggestion = suggest(name, known);
  if (suggestion) return [`there is no input ${name}; did you mean ${suggestion}?`, suggestion];
  return [known.length > 0 ? `there is no input ${name}; the job has ${known.join(", ")}` : "the job has no inputs"];
}

/** What is wrong with a value, as the end of a sentence that starts with the input's name; undefined when nothing. */
export function inputProblem(spec: InputSpec, value: unknown): string | undefined {
  switch (spec.type) {
    case "string":
      return stringProblem(spec, value);
    case "integer":
      if (!Number.isSafeInteger(value)) return "must be a whole number";
      return rangeProblem(spec, value as number);
    case "number":
      if (typeof value !== "number" || !Number.isFinite(value)) return "must be a number";
      return rangeProblem(spec, value);
    case "boolean":
      return typeof value === "boolean" ? undefined : "must be true or false";
    case "choice":
      if (typeof value === "string" && spec.options.includes(value)) return undefined;
      return `must be one of ${spec.options.join(", ")}`;
    case "list":
      return listProblem(spec, value);
  }
}

function stringProblem(spec: InputSpec & { type: "string" }, value: unknown): string | undefined {
  if (typeof value !== "string") return "must be text";
  const most = spec.maxLength ?? defaultMaxLength;
  if (value.length > most) return `has at most ${most} characters`;
  if (spec.minLength !== undefined && value.length < spec.minLength) return `has at least ${spec.minLength} characters`;
  if (value.includes("\0")) return "must not contain a NUL character";
  if (spec.pattern === undefined || matchesPattern(compilePattern(spec.pattern), value)) return undefined;
  return `must match ${spec.pattern}`;
}

function rangeProblem(spec: { minimum?: number; maximum?: number }, value: number): string | undefined {
  if (spec.minimum !== undefined && value < spec.minimum) return `must be at least ${spec.minimum}`;
  if (spec.maximum !== undefined && value > spec.maximum) return `must be at most ${spec.maximum}`;
  return undefined;
}

function listProblem(spec: InputSpec & { type: "list" }, value: unknown): string | undefined {
  if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) return "must be a list of texts";
  if (spec.minItems !== undefined && value.length < spec.minItems) return `has at least ${spec.minItems} items`;
  const most = spec.maxItems ?? maxListItems;
  if (value.length > most) return `has at most ${most} items`;
  // Items reach a script one a line.
  return value.some((item) => /[\n\r\0]/.test(item)) ? "has items with line breaks; one item is one line" : undefined;
}

/** `keep_days` → `INPUT_KEEP_DAYS`. */
export function inputEnvironmentName(name: string): string {
  return `INPUT_${name.toUpperCase()}`;
}

/** Inputs as a step's environment. Lists: one item a line. Inputs without a value have no variable. */
export function inputEnvironment(values: Record<string, InputValue>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      inputEnvironmentName(name),
      Array.isArray(value) ? value.join("\n") : String(value),
    ]),
  );
}

/** Types of the inputs inside expressions. */
export function inputExpressionTypes(specs: Job["inputs"]): Record<string, ExpressionType> {
  const types = {
    string: "string",
    integer: "int",
    number: "double",
    boolean: "bool",
    choice: "string",
    list: "list<string>",
  } as const;
  return Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, types[spec.type]]));
}

/** One byte sequence for one value: keys sorted by code unit, no spaces. What offers carry and hashes are made over. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

const byteLength = (text: string) => new TextEncoder().encode(text).length;
