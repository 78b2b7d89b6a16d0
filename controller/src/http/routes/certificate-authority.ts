// The cluster's certificate authority: what it is, and its certificates for whoever holds a pin.
import { createRoute } from "@hono/zod-openapi";
import { certificateAuthority } from "@opsconductor/contract/api/agents";
import type { Context } from "../../context.ts";
import { jsonResponse, newRouter, problemResponses, type Router } from "../router.ts";

const tags = ["Agents"];

const get = createRoute({
  method: "get",
  path: "/api/v1/certificate-authority",
  tags,
  summary: "The authorities of this cluster and the pin that join tokens carry",
  responses: { 200: jsonResponse(certificateAuthority, "The authority"), ...problemResponses },
});
const pem = createRoute({
  method: "get",
  path: "/ca.pem",
  tags,
  summary: "The authorities to trust, as PEM",
  responses: { 200: { content: { "application/x-pem-file": {} }, description: "PEM" }, ...problemResponses },
});

export function certificateAuthorityRoutes(ctx: Context): Router {
  const routes = newRouter();
  routes.openapi(get, (c) => {
    const { clusterId, pin, authorities } = ctx.authority;
    const shown = authorities.map((a) => ({ ...a, notAfter: a.notAfter.toISOString() }));
    return c.json({ clusterId, pin, authorities: shown }, 200);
  });
  routes.openapi(pem, (c) => c.body(ctx.authority.bundlePem, 200, { "Content-Type": "application/x-pem-file" }));
  return routes;
}
