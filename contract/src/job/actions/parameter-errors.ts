// What an action's schema refused, as errors an operator can act on. Used by check-action.ts. Pure.
import "../../zod-without-eval.ts";
import * as z from "zod";
import { explainIssues, type PlacedError } from "../schema-errors.ts";
import type { Path } from "../yaml-values.ts";

/** `base` is where the parameters stand in the document. */
export function parameterErrors(
  issues: readonly z.core.$ZodIssue[],
  schema: z.ZodObject,
  base: Path,
  parameters: Record<string, unknown>,
): PlacedError[] {
  const errors = explainIssues(issues, parameters, (path) => keysOf(schema, path));
  return errors.map((error) => ({ ...error, path: [...base, ...error.path] }));
}

function keysOf(schema: z.core.$ZodType, path: Path): string[] {
  const inner = unwrap(schema);
  if (!(inner instanceof z.ZodObject)) return [];
  const [first, ...rest] = path;
  if (first === undefined) return Object.keys(inner.shape);
  const next = inner.shape[String(first)];
  return next === undefined ? [] : keysOf(next, rest);
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return unwrap(schema.unwrap());
  return schema;
}
