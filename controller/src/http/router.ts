// What every routes/<resource>.ts begins with: `const routes = newRouter()`, then `routes.openapi(createRoute({…}), …)`
// with the full path, an entry in contract/src/permissions.ts, and thin handlers that call verbs.
import { OpenAPIHono, type RouteConfig, z } from "@hono/zod-openapi";
import { problem } from "@opsconductor/contract/api/common";
import { OcError } from "@opsconductor/contract/errors";
import type { Context as HonoContext } from "hono";
import type { Actor } from "../context.ts";
import { explainIssues, type Refused, sentenceOf, type Where } from "./explain-issues.ts";
import { readJsonBody } from "./json-body.ts";

export type HttpEnv = {
  Variables: {
    requestId: string;
    /** Set for every route; anonymous on public ones without a token. */
    actor: Actor;
  };
};
export type Http = HonoContext<HttpEnv>;
export type Router = OpenAPIHono<HttpEnv>;

export function newRouter(): Router {
  const router = new OpenAPIHono<HttpEnv>();
  const { openapi } = router;
  router.openapi = ((asked, handler) => {
    const route = strict(asked);
    return openapi(route, handler, (result) => {
      if (result.success) return;
      const { target, error } = result;
      const input = (result as { data?: unknown }).data;
      throw invalidInput({ where: target, schema: schemaOf(route, target)!, input, issues: error.issues });
    });
  }) as typeof openapi;
  return router;
}

/** JSON is read by us, and a query parameter that nobody reads is a mistake that its sender wants to hear of. */
function strict<R extends RouteConfig>(route: R): R {
  const { body, query = z.object({}) } = route.request ?? {};
  // A loose object says that others decide what comes along.
  const isOurs = route.path.startsWith("/api/v1/") && !(query instanceof z.ZodObject && query.def.catchall);
  const request = { ...route.request, ...(isOurs && query instanceof z.ZodObject ? { query: query.strict() } : {}) };
  const json = body?.content["application/json"] ? [readJsonBody(body.required === true)] : [];
  return { ...route, request, middleware: [...json, ...[route.middleware ?? []].flat()] };
}

function schemaOf({ request }: RouteConfig, where: Where): z.ZodType | undefined {
  const schemas = {
    json: (request?.body?.content["application/json"] as { schema?: unknown } | undefined)?.schema,
    query: request?.query,
    param: request?.params,
    header: request?.headers,
    form: (request?.body?.content["application/x-www-form-urlencoded"] as { schema?: unknown } | undefined)?.schema,
  };
  const schema = schemas[where as keyof typeof schemas];
  return schema instanceof z.ZodType ? schema : undefined;
}

export function invalidInput(refused: Refused): OcError {
  const errors = explainIssues(refused);
  const rest = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  return new OcError("invalid_argument", `${sentenceOf(errors[0]!)}${rest}`, { errors });
}

/** A JSON body of a request. */
export const jsonBody = <T extends z.ZodType>(schema: T) => ({
  content: { "application/json": { schema } },
  required: true as const,
});

/** A JSON answer. */
export const jsonResponse = <T extends z.ZodType>(schema: T, description: string) => ({
  content: { "application/json": { schema } },
  description,
});

/** The refusals that every route shares; spread into `responses`. */
export const problemResponses = {
  default: { content: { "application/problem+json": { schema: problem } }, description: "What went wrong" },
} as const;

/** The header of requests that create: the same key with the same request creates once. */
export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,200}$/, "1 to 200 printable characters without spaces")
  .optional()
  .describe("The same key with the same request gives the same execution, for a day");

/** A path parameter for things that are found by id or by name. */
export const idOrName = z.string().min(1).max(128);
