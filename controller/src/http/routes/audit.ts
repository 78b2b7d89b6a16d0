// The audit log: who did what, the proof that nobody changed it since, and both as a file.
import { createRoute, z } from "@hono/zod-openapi";
import {
  auditEntry,
  auditExportQuery,
  auditFork,
  auditForks,
  auditListQuery,
  auditVerification,
  settleForkRequest,
} from "@opsconductor/contract/api/audit";
import { page } from "@opsconductor/contract/api/common";
import { listForks, settleFork } from "../../communication/audit-forks.ts";
import { checkAudit } from "../../communication/check-audit.ts";
import { exportAudit } from "../../communication/export-audit.ts";
import { listAudit } from "../../communication/list-audit.ts";
import type { Context } from "../../context.ts";
import { jsonBody, jsonResponse, newRouter, problemResponses, type Router } from "../router.ts";

const tags = ["Audit"];

const list = createRoute({
  method: "get",
  path: "/api/v1/audit",
  tags,
  summary: "Who did what, to what, from where and when; newest first",
  request: { query: auditListQuery },
  responses: { 200: jsonResponse(page(auditEntry), "One page"), ...problemResponses },
});
const verify = createRoute({
  method: "get",
  path: "/api/v1/audit/verify",
  tags,
  summary: "Read the whole chain again and say whether anything was changed, and where",
  responses: { 200: jsonResponse(auditVerification, "What was found"), ...problemResponses },
});
const download = createRoute({
  method: "get",
  path: "/api/v1/audit/export",
  tags,
  summary: "The log as a file: JSON lines that prove themselves, or what the filters leave as CSV",
  request: { query: auditExportQuery },
  responses: {
    200: {
      description: "The file",
      content: { "application/x-ndjson": { schema: z.string() }, "text/csv": { schema: z.string() } },
    },
    ...problemResponses,
  },
});

const forks = createRoute({
  method: "get",
  path: "/api/v1/audit/forks",
  tags,
  summary: "What agents keep of the log that contradicts it; open ones first",
  responses: { 200: jsonResponse(auditForks, "The newest 200"), ...problemResponses },
});
const settle = createRoute({
  method: "post",
  path: "/api/v1/audit/forks/{id}/settle",
  tags,
  summary: "Say what a fork was: it counts no longer, and stays in the list and in the log",
  request: { params: z.object({ id: z.uuid() }), body: jsonBody(settleForkRequest) },
  responses: { 200: jsonResponse(auditFork, "Settled"), ...problemResponses },
});

export function auditRoutes(ctx: Context): Router {
  const routes = newRouter();
  routes.openapi(list, async (c) => c.json(await listAudit(ctx, c.req.valid("query")), 200));
  routes.openapi(verify, async (c) => c.json(await checkAudit(ctx), 200));
  routes.openapi(download, async (c) => {
    const { fileName, contentType, body } = await exportAudit(ctx, c.get("actor"), c.req.valid("query"));
    c.header("Content-Type", contentType);
    c.header("Content-Disposition", `attachment; filename="${fileName}"`);
    c.header("X-Content-Type-Options", "nosniff");
    c.header("Cache-Control", "no-store");
    return c.body(body, 200);
  });
  routes.openapi(forks, async (c) => c.json(await listForks(ctx), 200));
  routes.openapi(settle, async (c) => {
    const params = { id: c.req.valid("param").id, reason: c.req.valid("json").reason };
    return c.json(await settleFork(ctx, c.get("actor"), params), 200);
  });
  return routes;
}
