// The parameters of an action as JSON Schema, without the schema of jobs, which is large. Called by job-json-schema.ts, the
// generator of docs/actions.md and the console's page of actions. Pure.
import { type JsonSchema, toJsonSchema } from "../to-json-schema.ts";
import { actionCatalogue } from "./action-catalogue.ts";

/** The parameters of one action. `${{ … }}` may stand for any value, which the schema of the parameters cannot say. */
export function actionJsonSchema(name: keyof typeof actionCatalogue): JsonSchema {
  const { $schema: _, ...schema } = toJsonSchema(actionCatalogue[name].parameters);
  return schema;
}
