// What every routes/<resource>.ts begins with: `const routes = newRouter()`, then `routes.openapi(createRoute({…}), …)`
// with the full path, an entry in contract/src/permissions.ts, and thin handlers that call verbs.
import { OpenAPIHono, type RouteConfig, z } from "@hono/zod-openapi";
import { problem } from "@opsconductor/contract/api/common";
import { type FieldError, OcError } from "@opsconductor/contract/errors";
import type { Context as HonoContext } from "hono";
import type { Actor } from "../context.ts";
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
  const router = new OpenAPIHono<HttpEnv>({
    defaultHook: (result) => {
      if (!result.success) throw invalidInput(result.target, result.error.issues);
    },
  });
  const { openapi } = router;
  router.openapi = ((route, handler, hook) => openapi(readingJson(route), handler, hook)) as typeof openapi;
  return router;
}

/** A route that takes JSON, with its body read by us. */
function readingJson<R extends RouteConfig>(route: R): R {
  const body = route.request?.body;
  if (!body?.content["application/json"]) return route;
  return { ...route, middleware: [readJsonBody(body.required === true), ...[route.middleware ?? []].flat()] };
}

/** `target` is json, query, param, header …: paths into the body are told without a prefix. */
export function invalidInput(target: string, issues: readonly z.core.$ZodIssue[]): OcError {
  const prefix = target === "json" ? [] : [target];
  const errors: FieldError[] = issues.map((issue) => ({
    path: [...prefix, ...issue.path].map(String).join("."),
    message: issue.message,
  }));
  const first = errors[0]!;
  const rest = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  return new OcError("invalid_argument", `${first.path || "The body"}: ${first.message}${rest}`, { errors });
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

/** A path parameter for things that are found by id or by name. */
export const idOrName = z.string().min(1).max(128);
