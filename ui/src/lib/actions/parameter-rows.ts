// The parameters of an action as rows of a table, from their JSON Schema; those of a mapping follow it. Pure.
import type { JsonSchema } from "@opsconductor/contract/job/to-json-schema";

export interface ParameterRow {
  /** Dotted when it is inside of another. */
  name: string;
  type: string;
  required: boolean;
  fallback: string;
  meaning: string;
}

export function parameterRows(schema: JsonSchema, path = ""): ParameterRow[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const name = `${path}${key}`;
    const row = {
      name,
      type: typeOf(value),
      required: schema.required?.includes(key) ?? false,
      fallback: value.default === undefined || typeof value.default === "object" ? "" : JSON.stringify(value.default),
      meaning: value.description ?? "",
    };
    return [row, ...parameterRows(value, `${name}.`)];
  });
}

function typeOf(schema: JsonSchema): string {
  if (schema.const !== undefined) return String(schema.const);
  if (schema.enum) return schema.enum.join(" | ");
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeOf))].join(" | ");
  if (schema.type === "array") return `${schema.items ? typeOf(schema.items) : "any"}[]`;
  if (schema.type === "object") return "mapping";
  return schema.type ?? "any";
}
