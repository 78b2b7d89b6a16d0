// /health for load balancers and people, /health/live for supervisors.
import { createRoute, z } from "@hono/zod-openapi";
import { health } from "@opsconductor/contract/api/system";
import type { Context } from "../../context.ts";
import { checkHealth, worst } from "../../health.ts";
import { version } from "../../version.ts";
import { jsonResponse, newRouter, type Router } from "../router.ts";

const tags = ["Monitoring"];
const all = createRoute({
  method: "get",
  path: "/health",
  tags,
  summary: "Whether every part works; 503 when one does not",
  security: [],
  responses: {
    200: jsonResponse(health, "Works, perhaps degraded"),
    503: jsonResponse(health, "A part is failing"),
  },
});
const live = createRoute({
  method: "get",
  path: "/health/live",
  tags,
  summary: "Whether the process answers at all; looks at nothing else",
  security: [],
  responses: { 200: { description: "It does", content: { "text/plain": { schema: z.string() } } } },
});

export function healthRoutes(ctx: Context): Router {
  const routes = newRouter();
  routes.openapi(all, async (c) => {
    const parts = await checkHealth(ctx.health);
    const status = worst(parts);
    return c.json({ status, version, parts }, status === "failing" ? 503 : 200);
  });
  routes.openapi(live, (c) => c.text("ok", 200));
  return routes;
}
