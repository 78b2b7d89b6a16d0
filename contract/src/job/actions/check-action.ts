// Whether a step with `uses` is one: the action exists, its parameters fit, and values stand only where values belong.
// The controller and the console ask when a job is saved (check-job.ts), the agent again once the values are known.
import type * as z from "zod";
import type { ExpressionNames, ExpressionScope } from "../expression.ts";
import type { PlacedError } from "../schema-errors.ts";
import { suggest } from "../suggest.ts";
import { checkValueTemplate, interpolateValue, templateOpening } from "../template.ts";
import type { Path } from "../yaml-values.ts";
import { actionNames, findAction } from "./action-catalogue.ts";
import type { ActionSpec } from "./action-spec.ts";
import { parameterErrors } from "./parameter-errors.ts";

interface Leaf {
  path: Path;
  text: string;
}

/** An error that may point inside a text. */
type ActionError = PlacedError & { offset?: number };

/** `path` is the step's. */
export function checkAction(
  uses: string,
  given: Record<string, unknown> | undefined,
  path: Path,
  names: ExpressionNames,
): ActionError[] {
  const spec = findAction(uses);
  if (spec === undefined) return [unknownAction(uses, [...path, "uses"])];
  const base = [...path, "with"];
  const parameters = given ?? {};
  const templates = leaves(parameters).filter(({ text }) => text.includes(templateOpening));
  const placed = templates.flatMap((leaf): ActionError[] => {
    const at = [...base, ...leaf.path];
    if (spec.code?.includes(String(leaf.path[0]))) return [{ path: at, ...refusedInCode(uses, spec, leaf) }];
    const problem = checkValueTemplate(leaf.text, names);
    return problem ? [{ path: at, ...problem }] : [];
  });
  const templated = new Set(templates.map((leaf) => JSON.stringify(leaf.path)));
  const issues = issuesOf(spec, parameters).filter((issue) => !templated.has(JSON.stringify(issue.path)));
  return [...placed, ...parameterErrors(issues, spec.parameters, base, parameters)];
}

export type ResolvedParameters =
  | { parameters: Record<string, unknown>; problem: undefined }
  | { parameters: undefined; problem: string };

/**
 * The parameters with their values in place, as the action gets them; a problem is for people. Throws ExpressionError
 * when a value cannot be had.
 */
export function resolveParameters(
  uses: string,
  given: Record<string, unknown>,
  names: ExpressionNames,
  scope: ExpressionScope,
): ResolvedParameters {
  const spec = findAction(uses);
  if (spec === undefined) return { parameters: undefined, problem: unknownAction(uses, []).message };
  const isTemplate = (text: string) => text.includes(templateOpening);
  const templated = leaves(given).filter(({ text }) => isTemplate(text));
  const expanded = expand(given, (text) => (isTemplate(text) ? interpolateValue(text, names, scope) : text));
  const values = expanded as Record<string, unknown>;
  const parsed = fitTypes(spec, values, new Set(templated.map(({ path }) => JSON.stringify(path))));
  if (parsed.success) return { parameters: parsed.data, problem: undefined };
  const [first] = parameterErrors(parsed.error.issues, spec.parameters, [], values);
  return { parameters: undefined, problem: `${first!.path.join(".")}: ${first!.message}` };
}

/** An output is text even where a number is wanted: what came out of an expression is read as what the schema asks. */
function fitTypes(spec: ActionSpec, values: Record<string, unknown>, templated: ReadonlySet<string>) {
  const first = spec.parameters.safeParse(values);
  if (first.success) return first;
  const wanted = new Map(
    first.error.issues.flatMap((issue) =>
      issue.code === "invalid_type" && templated.has(JSON.stringify(issue.path))
        ? [[JSON.stringify(issue.path), issue.expected] as const]
        : [],
    ),
  );
  if (wanted.size === 0) return first;
  return spec.parameters.safeParse(
    expand(values, (text, path) => readAs(text, wanted.get(JSON.stringify(path)))) as Record<string, unknown>,
  );
}

function readAs(text: string, expected: string | undefined): unknown {
  if (expected === "number" || expected === "int") return /^\s*-?\d+(\.\d+)?\s*$/.test(text) ? Number(text) : text;
  if (expected === "boolean") return text === "true" ? true : text === "false" ? false : text;
  if (expected === "array") return text.split("\n").filter((line) => line !== "");
  return text;
}

function issuesOf(spec: ActionSpec, parameters: Record<string, unknown>): readonly z.core.$ZodIssue[] {
  return spec.parameters.safeParse(parameters).error?.issues ?? [];
}

function unknownAction(uses: string, path: Path): PlacedError {
  const suggestion = suggest(uses, actionNames);
  const hint = suggestion ? `; did you mean ${suggestion}?` : `; there is ${actionNames.join(", ")}`;
  const error = { path, message: `there is no action called ${uses.slice(0, 64)}${hint}` };
  return suggestion ? { ...error, suggestion } : error;
}

function refusedInCode(uses: string, spec: ActionSpec, { path, text }: Leaf) {
  const where = spec.valuesGo ? `; pass it through ${spec.valuesGo}` : "";
  return {
    message: `${path[0]} of ${uses} is code, so \${{ }} is never put into it, because a value could then be code${where}`,
    offset: text.indexOf(templateOpening),
  };
}

function leaves(value: unknown, path: Path = []): Leaf[] {
  if (typeof value === "string") return [{ path, text: value }];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    leaves(item, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}

function expand(value: unknown, change: (text: string, path: Path) => unknown, path: Path = []): unknown {
  if (typeof value === "string") return change(value, path);
  if (Array.isArray(value)) return value.map((item, index) => expand(item, change, [...path, index]));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, expand(item, change, [...path, key])]));
}
