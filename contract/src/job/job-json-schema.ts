// The job format as JSON Schema (draft 2020-12), for completion and hints in editors: the console's, and any other that
// reads docs/job.schema.json. It knows the shape only; parse-job.ts is the judge. Pure.
import * as z from "zod";
import { jobSchema } from "./job-schema.ts";

/** The part of JSON Schema that comes out of our own schema. */
export interface JsonSchema {
  $schema?: string;
  title?: string;
  type?: string;
  description?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
  propertyNames?: JsonSchema;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
}

export function jobJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(jobSchema, {
    io: "input",
    target: "draft-2020-12",
    reused: "inline",
    override: ({ jsonSchema }) => dropSafeIntegerBounds(jsonSchema as JsonSchema),
  });
  return { title: "OpsConductor job", ...(schema as JsonSchema) };
}

/** Noise in hints: every whole number has them. */
function dropSafeIntegerBounds(schema: JsonSchema): void {
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
}
