// Approvals: what waits for people, what exactly would run, and their decisions.
import { createRoute, z } from "@hono/zod-openapi";
import {
  approval,
  approvalCount,
  approvalDetail,
  approvalListQuery,
  decideRequest,
} from "@opsconductor/contract/api/approvals";
import { page } from "@opsconductor/contract/api/common";
import { countApprovals, getApproval, listApprovals } from "../../automation/approvals.ts";
import { decideApproval } from "../../automation/decide-approval.ts";
import type { Context } from "../../context.ts";
import { jsonBody, jsonResponse, newRouter, problemResponses, type Router } from "../router.ts";

const tags = ["Approvals"];
const params = z.object({ id: z.string().min(1).max(64).describe("id or number of the execution") });

const list = createRoute({
  method: "get",
  path: "/api/v1/approvals",
  tags,
  summary: "Executions that wait for approval, or were decided, newest first",
  request: { query: approvalListQuery },
  responses: { 200: jsonResponse(page(approval), "One page"), ...problemResponses },
});
const count = createRoute({
  method: "get",
  path: "/api/v1/approvals/count",
  tags,
  summary: "How many wait for a decision that the caller may make",
  responses: { 200: jsonResponse(approvalCount, "The count"), ...problemResponses },
});
const get = createRoute({
  method: "get",
  path: "/api/v1/approvals/{id}",
  tags,
  summary: "What would run: version, inputs, stages and targets, with the decisions so far",
  request: { params },
  responses: { 200: jsonResponse(approvalDetail, "The approval"), ...problemResponses },
});
const decide = createRoute({
  method: "post",
  path: "/api/v1/approvals/{id}/decide",
  tags,
  summary: "Approve or reject, for exactly the content whose hash is given",
  request: { params, body: jsonBody(decideRequest) },
  responses: { 200: jsonResponse(approvalDetail, "As it is after the decision"), ...problemResponses },
});

export function approvalRoutes(ctx: Context): Router {
  const routes = newRouter();
  routes.openapi(list, async (c) => c.json(await listApprovals(ctx, c.get("actor"), c.req.valid("query")), 200));
  // Before {id}, which would take it for one.
  routes.openapi(count, async (c) => c.json(await countApprovals(ctx, c.get("actor")), 200));
  routes.openapi(get, async (c) => c.json(await getApproval(ctx, c.get("actor"), c.req.valid("param").id), 200));
  routes.openapi(decide, async (c) => {
    const given = { ...c.req.valid("json"), execution: c.req.valid("param").id };
    return c.json(await decideApproval(ctx, c.get("actor"), given), 200);
  });
  return routes;
}
