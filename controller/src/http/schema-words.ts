// What a schema takes at a path: which keys, which numbers. For messages; pure; used by explain-issues.ts.
import * as z from "zod";

type Schema = z.core.$ZodType;
type Definition = z.core.$ZodTypes["_zod"]["def"];

/** Of all shapes that a union allows there; empty where any key may stand, or none. */
export function keysAt(schema: Schema, path: readonly PropertyKey[]): string[] {
  return [...new Set(schemasAt(schema, path).flatMap((each) => Object.keys(shapeOf(each) ?? {})))];
}

/** "a whole number from 1 to 1000"; undefined where no number stands. */
export function numberAt(schema: Schema, path: readonly PropertyKey[]): string | undefined {
  const found = schemasAt(schema, path).find((each) => each instanceof z.ZodNumber);
  if (!found) return undefined;
  const { minValue, maxValue, format } = found;
  const from = minValue !== null && minValue > Number.MIN_SAFE_INTEGER ? minValue : undefined;
  const to = maxValue !== null && maxValue < Number.MAX_SAFE_INTEGER ? maxValue : undefined;
  const kind = format === "safeint" ? "a whole number" : "a number";
  if (from !== undefined && to !== undefined) return `${kind} from ${from} to ${to}`;
  if (from !== undefined) return `${kind} of at least ${from}`;
  return to === undefined ? kind : `${kind} of at most ${to}`;
}

function schemasAt(schema: Schema, path: readonly PropertyKey[]): Schema[] {
  let found = bare(schema);
  for (const key of path) found = found.flatMap((each) => childrenOf(each, key)).flatMap(bare);
  return found;
}

const definitionOf = (schema: Schema) => schema._zod.def as Definition;

/** Without what only wraps it; the branches of a union each. */
function bare(schema: Schema): Schema[] {
  const definition = definitionOf(schema);
  if (definition.type === "union") return definition.options.flatMap(bare);
  if (definition.type === "pipe") return bare(definition.in);
  return "innerType" in definition ? bare(definition.innerType) : [schema];
}

function shapeOf(schema: Schema): Record<string, Schema> | undefined {
  const definition = definitionOf(schema);
  return definition.type === "object" ? definition.shape : undefined;
}

function childrenOf(schema: Schema, key: PropertyKey): Schema[] {
  const definition = definitionOf(schema);
  if (definition.type === "array") return [definition.element];
  if (definition.type === "record") return [definition.valueType];
  const child = shapeOf(schema)?.[String(key)];
  return child ? [child] : [];
}
