// The fleet: agents with their state, and what can be done about them.
import { createRoute, z } from "@hono/zod-openapi";
import { agent, agentDetail, agentListQuery, revokeRequest } from "@opsconductor/contract/api/agents";
import { page } from "@opsconductor/contract/api/common";
import { agentLimitRequest } from "@opsconductor/contract/api/limits";
import type { Context } from "../../context.ts";
import { getAgent } from "../../fleet/get-agent.ts";
import { limitAgent } from "../../fleet/limit-agent.ts";
import { listAgents } from "../../fleet/list-agents.ts";
import { releaseAgent, revokeAgent } from "../../fleet/revoke-agent.ts";
import { idOrName, jsonBody, jsonResponse, newRouter, problemResponses, type Router } from "../router.ts";

const tags = ["Agents"];
const params = z.object({ idOrName });
const one = { 200: jsonResponse(agentDetail, "The agent"), ...problemResponses };

const list = createRoute({
  method: "get",
  path: "/api/v1/agents",
  tags,
  summary: "The fleet by name; `facts` is empty here",
  request: { query: agentListQuery },
  responses: { 200: jsonResponse(page(agent), "One page"), ...problemResponses },
});
const get = createRoute({
  method: "get",
  path: "/api/v1/agents/{idOrName}",
  tags,
  summary: "One agent with its facts",
  request: { params },
  responses: one,
});
const revoke = createRoute({
  method: "post",
  path: "/api/v1/agents/{idOrName}/revoke",
  tags,
  summary: "Take an agent's trust away for good; its connection ends within two seconds",
  request: { params, body: jsonBody(revokeRequest) },
  responses: one,
});
const release = createRoute({
  method: "post",
  path: "/api/v1/agents/{idOrName}/release",
  tags,
  summary: "Trust a quarantined agent again, after somebody looked",
  request: { params },
  responses: one,
});

const limit = createRoute({
  method: "put",
  path: "/api/v1/agents/{idOrName}/limit",
  tags,
  summary: "How many assignments the agent runs at once; null: as the settings say",
  request: { params, body: jsonBody(agentLimitRequest) },
  responses: one,
});

export function agentRoutes(ctx: Context): Router {
  const routes = newRouter();
  routes.openapi(list, async (c) => c.json(await listAgents(ctx, c.get("actor"), c.req.valid("query")), 200));
  routes.openapi(get, async (c) => c.json(await getAgent(ctx, c.get("actor"), c.req.valid("param")), 200));
  routes.openapi(revoke, async (c) => {
    const actor = c.get("actor");
    const { id } = await getAgent(ctx, actor, c.req.valid("param"));
    await revokeAgent(ctx, actor, { id, reason: c.req.valid("json").reason });
    return c.json(await getAgent(ctx, actor, { idOrName: id }), 200);
  });
  routes.openapi(limit, async (c) => {
    const actor = c.get("actor");
    const { id } = await getAgent(ctx, actor, c.req.valid("param"));
    await limitAgent(ctx, actor, { id, limit: c.req.valid("json").limit });
    return c.json(await getAgent(ctx, actor, { idOrName: id }), 200);
  });
  routes.openapi(release, async (c) => {
    const actor = c.get("actor");
    const { id } = await getAgent(ctx, actor, c.req.valid("param"));
    await releaseAgent(ctx, actor, { id });
    return c.json(await getAgent(ctx, actor, { idOrName: id }), 200);
  });
  return routes;
}
