// Between what a person types into the run dialog and what the API takes. Pure.
import { inputProblem } from "@opsconductor/contract/job/inputs";
import type { InputSpec } from "@opsconductor/contract/job/job-schema";
import { m } from "../messages/m.ts";

export type Typed = string | boolean;

/** What the field shows at first: the value of an earlier execution, else the default. */
export function initialTyped(spec: InputSpec, given: unknown): Typed {
  const value = given ?? spec.default;
  if (spec.type === "boolean") return value === true;
  if (value === undefined || value === null) return "";
  return Array.isArray(value) ? value.join("\n") : String(value);
}

/** Of inputs that the caller's rights bind: the values to choose from, each as the field shows it. */
export function lockedTyped(
  specs: Record<string, InputSpec>,
  locked: Record<string, unknown[]>,
): Record<string, Typed[] | undefined> {
  const bound = Object.entries(specs).filter(([name]) => Object.hasOwn(locked, name));
  return Object.fromEntries(
    bound.map(([name, spec]) => [name, locked[name]!.map((value) => initialTyped(spec, value))]),
  );
}

export function withinLock(locked: readonly Typed[] | undefined, typed: Typed): Typed {
  return locked === undefined || locked.includes(typed) ? typed : locked[0]!;
}

export type Read = { value: unknown; error?: undefined } | { value?: undefined; error?: string };

/**
 * The value to send, or why not, by the rules the controller goes by; nothing at all for an empty optional field, so
 * that the default applies.
 */
export function readTyped(spec: InputSpec, typed: Typed): Read {
  const read = convert(spec, typed);
  const problem = read.value === undefined ? undefined : inputProblem(spec, read.value);
  return problem === undefined ? read : { error: problem.charAt(0).toUpperCase() + problem.slice(1) };
}

function convert(spec: InputSpec, typed: Typed): Read {
  if (typeof typed === "boolean") return { value: typed };
  if (typed === "") return spec.required ? { error: m.jobs.dialog.missing } : {};
  if (spec.type === "integer")
    return /^[+-]?\d+$/.test(typed.trim()) ? { value: Number(typed) } : { error: m.jobs.dialog.notInteger };
  if (spec.type === "number") {
    const number = Number(typed.trim());
    return typed.trim() !== "" && Number.isFinite(number) ? { value: number } : { error: m.jobs.dialog.notNumber };
  }
  if (spec.type === "list") return { value: typed.split("\n").filter((item) => item !== "") };
  return { value: typed };
}

/** All values to send, and the errors by input. */
export function readAll(specs: Record<string, InputSpec>, typed: Record<string, Typed>) {
  const values: Record<string, unknown> = {};
  const errors: Record<string, string> = {};
  for (const [name, spec] of Object.entries(specs)) {
    const read = readTyped(spec, typed[name] ?? "");
    if (read.error !== undefined) errors[name] = read.error;
    else if (read.value !== undefined) values[name] = read.value;
  }
  return { values, errors };
}

/** Node's servers take 16 KiB of request line and headers together, and the names of targets travel along. */
const maxInputsChars = 6000;

/**
 * What the preview needs to know of the inputs: those that the caller's rights bind. Values too long for an address are
 * left to the execution, which decides in any case; no right binds an input to so much.
 */
export function boundText(values: Record<string, unknown>, bound: readonly string[]): string | undefined {
  if (bound.length === 0) return undefined;
  const text = JSON.stringify(Object.fromEntries(bound.map((name) => [name, values[name]])));
  return encodeURIComponent(text).length > maxInputsChars ? undefined : text;
}

/** Target names from free text: commas, spaces and lines separate; each once. */
export function readNames(text: string): string[] {
  return [...new Set(text.split(/[\s,;]+/).filter((name) => name !== ""))];
}
