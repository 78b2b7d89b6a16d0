// Many targets at once: a step's targets in groups of the same output, and two executions beside each other.
import { createRoute, z } from "@hono/zod-openapi";
import { page } from "@opsconductor/contract/api/common";
import {
  comparedTarget,
  compareQuery,
  compareTargetsQuery,
  comparison,
  outputGroupPage,
  outputGroupQuery,
  outputGroupTarget,
  outputGroupTargetQuery,
} from "@opsconductor/contract/api/compare";
import { compareExecutions, listComparedTargets } from "../../automation/compare-executions.ts";
import { listGroupTargets, listOutputGroups } from "../../automation/group-outputs.ts";
import type { Context } from "../../context.ts";
import { jsonResponse, newRouter, problemResponses, type Router } from "../router.ts";

const tags = ["Executions"];
const params = z.object({ id: z.string().min(1).max(64).describe("id or number") });

const groups = createRoute({
  method: "get",
  path: "/api/v1/executions/{id}/output-groups",
  tags,
  summary: "Targets of one step in groups of the same state, exit code and output, the largest first",
  request: { params, query: outputGroupQuery },
  responses: { 200: jsonResponse(outputGroupPage, "One page"), ...problemResponses },
});
const groupTargets = createRoute({
  method: "get",
  path: "/api/v1/executions/{id}/output-groups/{group}",
  tags,
  summary: "The targets of one of these groups, by name",
  request: {
    params: params.extend({ group: z.string().regex(/^[0-9a-f]{64}$/, "a group of ours") }),
    query: outputGroupTargetQuery,
  },
  responses: { 200: jsonResponse(page(outputGroupTarget), "One page"), ...problemResponses },
});
const compare = createRoute({
  method: "get",
  path: "/api/v1/executions/{id}/compare",
  tags,
  summary: "Two executions beside each other: how steps and targets ended, how long they took, whose output differs",
  request: { params, query: compareQuery },
  responses: { 200: jsonResponse(comparison, "What differs"), ...problemResponses },
});
const targets = createRoute({
  method: "get",
  path: "/api/v1/executions/{id}/compare/targets",
  tags,
  summary: "The targets of two executions beside each other, what differs most first",
  request: { params, query: compareTargetsQuery },
  responses: { 200: jsonResponse(page(comparedTarget), "One page"), ...problemResponses },
});

export function compareRoutes(ctx: Context): Router {
  const routes = newRouter();
  routes.openapi(groups, async (c) => {
    const query = { ...c.req.valid("query"), execution: c.req.valid("param").id };
    return c.json(await listOutputGroups(ctx, c.get("actor"), query), 200);
  });
  routes.openapi(groupTargets, async (c) => {
    const { id: execution, group } = c.req.valid("param");
    return c.json(await listGroupTargets(ctx, c.get("actor"), { ...c.req.valid("query"), execution, group }), 200);
  });
  routes.openapi(compare, async (c) => {
    const query = { ...c.req.valid("query"), execution: c.req.valid("param").id };
    return c.json(await compareExecutions(ctx, c.get("actor"), query), 200);
  });
  routes.openapi(targets, async (c) => {
    const query = { ...c.req.valid("query"), execution: c.req.valid("param").id };
    return c.json(await listComparedTargets(ctx, c.get("actor"), query), 200);
  });
  return routes;
}
