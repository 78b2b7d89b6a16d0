// The routes of the API as its OpenAPI document describes them, with judges of what is sent and answered. For fuzz-api.ts.
import { z } from "@hono/zod-openapi";
import type { Schema } from "./schema-arbitrary.ts";

export interface Parameter {
  in: "path" | "query" | "header" | "cookie";
  name: string;
  required: boolean;
  schema: Schema;
}

export interface Operation {
  /** "GET /api/v1/jobs/{idOrName}" */
  name: string;
  method: string;
  path: string;
  parameters: readonly Parameter[];
  /** By media type; undefined without a body. */
  bodies: Readonly<Record<string, Schema>> | undefined;
  bodyRequired: boolean;
  /** By status, or `default`; inside by media type, undefined where the document says nothing of the content. */
  answers: Readonly<Record<string, Readonly<Record<string, Judge | undefined>>>>;
}

/** What is wrong with a value, or undefined. */
export type Judge = (value: unknown) => string | undefined;

interface OperationObject {
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Record<string, { schema?: Schema }> };
  responses: Record<string, { content?: Record<string, { schema?: Schema }> }>;
}

export function operationsOf(document: { paths?: object | undefined }): Operation[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item as Record<string, OperationObject>).map(([verb, described]) => {
      const method = verb.toUpperCase();
      const content = described.requestBody?.content;
      return {
        ...{ name: `${method} ${path}`, method, path, parameters: described.parameters ?? [] },
        bodies: content && mapValues(content, ({ schema = {} }) => schema),
        bodyRequired: described.requestBody?.required ?? false,
        answers: mapValues(described.responses, ({ content = {} }) =>
          mapValues(content, ({ schema }) => schema && judgeOf(withoutUndocumented(schema))),
        ),
      };
    }),
  );
}

const judges = new WeakMap<Schema, Judge>();

export function judgeOf(schema: Schema): Judge {
  const made = judges.get(schema) ?? makeJudge(schema);
  judges.set(schema, made);
  return made;
}

function makeJudge(schema: Schema): Judge {
  const shape = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
  return (value) => {
    const result = shape.safeParse(value);
    return result.success ? undefined : z.prettifyError(result.error).slice(0, 600);
  };
}

/** A key that no reader of the document can know of is a mistake of the document. */
function withoutUndocumented(schema: Schema): Schema {
  const { properties, items, additionalProperties, anyOf, oneOf } = schema;
  return {
    ...schema,
    ...(properties && {
      properties: mapValues(properties, withoutUndocumented),
      additionalProperties: additionalProperties ?? false,
    }),
    ...(typeof additionalProperties === "object" && {
      additionalProperties: withoutUndocumented(additionalProperties),
    }),
    ...(items && { items: withoutUndocumented(items) }),
    ...(anyOf && { anyOf: anyOf.map(withoutUndocumented) }),
    ...(oneOf && { oneOf: oneOf.map(withoutUndocumented) }),
  };
}

function mapValues<V, R>(record: Readonly<Record<string, V>>, map: (value: V) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
