// The route that answers a request, as the permission table, the limits and the metrics call it.
import { matchedRoutes } from "hono/route";
import type { Http } from "./router.ts";

/** "GET /api/v1/targets/{id}" of the route that will answer, or undefined when none does. */
export function routeName(c: Http): string | undefined {
  const route = matchedRoutes(c).find(({ method }) => method !== "ALL");
  return route && nameOfRoute(route);
}

export function nameOfRoute({ method, path }: { method: string; path: string }): string {
  return `${method} ${path.replaceAll(/:([A-Za-z0-9_]+)(\{[^/]*\})?/g, "{$1}")}`;
}
