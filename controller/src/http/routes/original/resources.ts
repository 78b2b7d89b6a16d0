// Targets, jobs and executions at the original's paths, by the same verbs as /api/v1.
import { createRoute, z } from "@hono/zod-openapi";
import {
  originalExecute,
  originalExecution,
  originalJob,
  originalPage,
  originalPageQuery,
  originalTarget,
  originalTargetInput,
} from "@opsconductor/contract/api/original";
import { targetInput } from "@opsconductor/contract/api/targets";
import { createTarget } from "../../../assets/create-target.ts";
import { deleteTarget } from "../../../assets/delete-target.ts";
import { getTarget } from "../../../assets/get-target.ts";
import { listTargets } from "../../../assets/list-targets.ts";
import { countExecutions, countJobs, countTargets } from "../../../automation/count-rows.ts";
import { createExecution } from "../../../automation/create-execution.ts";
import { getExecution } from "../../../automation/get-execution.ts";
import { getJob } from "../../../automation/get-job.ts";
import { listExecutions } from "../../../automation/list-executions.ts";
import { listJobs } from "../../../automation/list-jobs.ts";
import type { Context } from "../../../context.ts";
import {
  idOrName,
  invalidInput,
  jsonBody,
  jsonResponse,
  newRouter,
  problemResponses,
  type Router,
} from "../../router.ts";
import { fromOriginalTarget, toOriginalExecution, toOriginalJob, toOriginalTarget } from "./shapes.ts";

const tags = ["Paths of the original"];
const params = z.object({ id: idOrName });
const list = <P extends string, K extends string, T extends z.ZodType>(path: P, plural: K, item: T) =>
  createRoute({
    method: "get",
    path,
    tags,
    summary: `A page of ${plural}`,
    request: { query: originalPageQuery },
    responses: {
      200: jsonResponse(originalPage(plural, item), "One page and how many there are"),
      ...problemResponses,
    },
  });
const one = <P extends string, T extends z.ZodType>(path: P, item: T) =>
  createRoute({
    method: "get",
    path,
    tags,
    summary: "One of them, by id or name",
    request: { params },
    responses: { 200: jsonResponse(item, "Found"), ...problemResponses },
  });

const targets = list("/targets", "targets", originalTarget);
const target = one("/targets/{id}", originalTarget);
const addTarget = createRoute({
  method: "post",
  path: "/targets",
  tags,
  summary: "Add a target",
  request: { body: jsonBody(originalTargetInput) },
  responses: { 201: jsonResponse(originalTarget, "Added"), ...problemResponses },
});
const removeTarget = createRoute({
  method: "delete",
  path: "/targets/{id}",
  tags,
  summary: "Take a target out of the inventory",
  request: { params },
  responses: { 204: { description: "Deleted" }, ...problemResponses },
});
const jobs = list("/jobs", "jobs", originalJob);
const job = one("/jobs/{id}", originalJob);
const execute = createRoute({
  method: "post",
  path: "/jobs/{id}/execute",
  tags,
  summary: "Start an execution",
  request: { params, body: { ...jsonBody(originalExecute), required: false } },
  responses: { 201: jsonResponse(originalExecution, "Created"), ...problemResponses },
});
const executions = list("/executions", "executions", originalExecution);
const execution = one("/executions/{id}", originalExecution);

/** Skipping reads what is skipped: bearable up to the 10,000 that the schema allows, and no reason for a second query. */
function pageOf<T, U>(
  { items }: { items: T[] },
  total: number,
  query: z.infer<typeof originalPageQuery>,
  convert: (item: T) => U,
) {
  const { skip, limit } = query;
  return { items: items.slice(skip, skip + limit).map(convert), total, skip, limit };
}

export function originalResourceRoutes(ctx: Context): Router {
  const routes = newRouter();
  addTargetRoutes(ctx, routes);
  addJobRoutes(ctx, routes);
  return routes;
}

function addTargetRoutes(ctx: Context, routes: Router): void {
  routes.openapi(targets, async (c) => {
    const [actor, query] = [c.get("actor"), c.req.valid("query")];
    const found = await listTargets(ctx, actor, { limit: query.skip + query.limit });
    const { items, ...rest } = pageOf(found, await countTargets(ctx, actor), query, toOriginalTarget);
    return c.json({ targets: items, ...rest }, 200);
  });
  routes.openapi(target, async (c) => {
    const found = await getTarget(ctx, c.get("actor"), c.req.valid("param").id);
    return c.json(toOriginalTarget(found), 200);
  });
  routes.openapi(addTarget, async (c) => {
    const input = fromOriginalTarget(c.req.valid("json"));
    const checked = targetInput.safeParse(input);
    if (!checked.success)
      throw invalidInput({ where: "json", schema: targetInput, input, issues: checked.error.issues });
    return c.json(toOriginalTarget(await createTarget(ctx, c.get("actor"), checked.data)), 201);
  });
  routes.openapi(removeTarget, async (c) => {
    await deleteTarget(ctx, c.get("actor"), { idOrName: c.req.valid("param").id, revision: undefined });
    return c.body(null, 204);
  });
}

function addJobRoutes(ctx: Context, routes: Router): void {
  routes.openapi(jobs, async (c) => {
    const [actor, query] = [c.get("actor"), c.req.valid("query")];
    const found = await listJobs(ctx, actor, { limit: query.skip + query.limit });
    const { items, ...rest } = pageOf(found, await countJobs(ctx, actor), query, toOriginalJob);
    return c.json({ jobs: items, ...rest }, 200);
  });
  routes.openapi(job, async (c) => {
    const found = await getJob(ctx, c.get("actor"), { idOrName: c.req.valid("param").id });
    return c.json(toOriginalJob(found), 200);
  });
  routes.openapi(execute, async (c) => {
    const { input_data: inputs = {}, targets: names } = c.req.valid("json");
    const request = { job: c.req.valid("param").id, inputs, targets: names && { names }, reason: "" };
    return c.json(toOriginalExecution(await createExecution(ctx, c.get("actor"), request)), 201);
  });
  routes.openapi(executions, async (c) => {
    const [actor, query] = [c.get("actor"), c.req.valid("query")];
    const found = await listExecutions(ctx, actor, { limit: query.skip + query.limit });
    const { items, ...rest } = pageOf(found, await countExecutions(ctx, actor), query, toOriginalExecution);
    return c.json({ executions: items, ...rest }, 200);
  });
  routes.openapi(execution, async (c) => {
    const found = await getExecution(ctx, c.get("actor"), c.req.valid("param").id);
    return c.json(toOriginalExecution(found), 200);
  });
}
