// The job format as JSON Schema (draft 2020-12), for completion and hints in editors: the console's, and any other that
// reads docs/job.schema.json. It knows the shape only; parse-job.ts is the judge. Pure.
import { actionCatalogue, actionNames } from "./actions/action-catalogue.ts";
import { actionJsonSchema } from "./actions/action-json-schema.ts";
import { jobSchema } from "./job-schema.ts";
import { type JsonSchema, toJsonSchema } from "./to-json-schema.ts";

export function jobJsonSchema(): JsonSchema {
  const job = toJsonSchema(jobSchema);
  const stage = job.properties!.stages?.additionalProperties;
  for (const owner of [job, ...(typeof stage === "object" ? [stage] : [])])
    for (const phase of ["steps", "onFailure", "finally"]) describeActions(owner.properties![phase]!.items!);
  return { title: "OpsConductor job", ...job };
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
