// The job format as JSON Schema (draft 2020-12), for completion and hints in editors: the console's, and any other that
// reads docs/job.schema.json. It knows the shape only; parse-job.ts is the judge. Pure.
import "../zod-without-eval.ts";
import * as z from "zod";
import { actionCatalogue, actionNames } from "./actions/action-catalogue.ts";
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
  /** Of a step: which parameters `with` takes, by what `uses` says. */
  allOf?: { if: JsonSchema; then: JsonSchema }[];
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
  const job = schema as JsonSchema;
  const stage = job.properties!.stages?.additionalProperties;
  for (const owner of [job, ...(typeof stage === "object" ? [stage] : [])])
    for (const phase of ["steps", "onFailure", "finally"]) describeActions(owner.properties![phase]!.items!);
  return { title: "OpsConductor job", ...job };
}

/** The parameters of one action. `${{ … }}` may stand for any value, which the schema of the parameters cannot say. */
export function actionJsonSchema(name: keyof typeof actionCatalogue): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(actionCatalogue[name].parameters, {
    io: "input",
    target: "draft-2020-12",
    reused: "inline",
    override: ({ jsonSchema }) => dropSafeIntegerBounds(jsonSchema as JsonSchema),
  }) as JsonSchema;
  return schema;
}

/** A step names one action, and takes its parameters: values by template are text wherever something else is meant. */
function describeActions(step: JsonSchema): void {
  step.properties!.uses = { ...step.properties!.uses, enum: actionNames };
  step.allOf = actionNames.map((name) => ({
    if: { properties: { uses: { const: name } }, required: ["uses"] },
    // biome-ignore lint/suspicious/noThenProperty: a word of JSON Schema; nobody awaits a schema
    then: {
      properties: { with: { description: actionCatalogue[name].summary, ...templated(actionJsonSchema(name)) } },
    },
  }));
}

const template: JsonSchema = { type: "string", pattern: "\\$\\{\\{" };

function templated(schema: JsonSchema): JsonSchema {
  if (schema.properties === undefined) return schema;
  const values = Object.entries(schema.properties).map(([name, value]) => [name, orTemplate(templated(value))]);
  return { ...schema, properties: Object.fromEntries(values) };
}

function orTemplate(schema: JsonSchema): JsonSchema {
  if (schema.type === "string" && schema.pattern === undefined && !schema.enum) return schema;
  const { description, default: fallback, ...shape } = schema;
  const own = { ...(description && { description }), ...(fallback !== undefined && { default: fallback }) };
  return { ...own, anyOf: [shape, template] };
}

/** Noise in hints: every whole number has them. */
function dropSafeIntegerBounds(schema: JsonSchema): void {
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
}
