// Jobs: save, versions, validate, and the start of an execution.
import { createRoute, z } from "@hono/zod-openapi";
import { lineText, page } from "@opsconductor/contract/api/common";
import { execution } from "@opsconductor/contract/api/executions";
import {
  draftCheck,
  executeQuery,
  executeRequest,
  executionPlan,
  job,
  jobDetail,
  jobListQuery,
  jobVersion,
  validateResponse,
} from "@opsconductor/contract/api/jobs";
import { checkDraft } from "../../automation/check-draft.ts";
import { createExecution } from "../../automation/create-execution.ts";
import { deleteJob } from "../../automation/delete-job.ts";
import { getJob } from "../../automation/get-job.ts";
import { listJobs, listVersions } from "../../automation/list-jobs.ts";
import { planExecution } from "../../automation/plan-execution.ts";
import { createJob, saveJob } from "../../automation/save-job.ts";
import { validateJob } from "../../automation/validate-job.ts";
import { waitForExecution } from "../../automation/wait-for-execution.ts";
import type { Context } from "../../context.ts";
import { definitionBody, readDefinitionBody } from "../definition-body.ts";
import { etag, ifMatchHeader, revisionOf } from "../if-match.ts";
import {
  type Http,
  idempotencyKey,
  idOrName,
  jsonBody,
  jsonResponse,
  newRouter,
  problemResponses,
  type Router,
} from "../router.ts";

const tags = ["Jobs"];
const params = z.object({ idOrName });
const saveQuery = z.object({ message: lineText(500).default("").describe("why this version") });
const saved = { 200: jsonResponse(jobDetail, "The job with its newest version"), ...problemResponses };

const list = createRoute({
  method: "get",
  path: "/api/v1/jobs",
  tags,
  summary: "Jobs by name, each with its last executions",
  request: { query: jobListQuery },
  responses: { 200: jsonResponse(page(job), "One page"), ...problemResponses },
});
const create = createRoute({
  method: "post",
  path: "/api/v1/jobs",
  tags,
  summary: "Save a new job",
  request: { query: saveQuery, body: definitionBody },
  responses: { 201: jsonResponse(jobDetail, "Saved as version 1"), ...problemResponses },
});
const validate = createRoute({
  method: "post",
  path: "/api/v1/jobs/validate",
  tags,
  summary: "Say what is wrong with a definition without saving it",
  request: { body: definitionBody },
  responses: { 200: jsonResponse(validateResponse, "Every error with its line and column"), ...problemResponses },
});
const check = createRoute({
  method: "post",
  path: "/api/v1/jobs/check",
  tags,
  summary: "Say whether text that is not saved would run, and where: nothing is saved or started",
  description:
    "Beside the errors of the text: jobs that it calls and that are not there, what its selectors match now of what the caller may read, and its stages with their targets and batches. Inputs that are still to be given are only notes.",
  request: { body: definitionBody },
  responses: { 200: jsonResponse(draftCheck, "What it would do"), ...problemResponses },
});
const get = createRoute({
  method: "get",
  path: "/api/v1/jobs/{idOrName}",
  tags,
  summary: "One job with the text of its newest version",
  request: { params },
  responses: saved,
});
const save = createRoute({
  method: "put",
  path: "/api/v1/jobs/{idOrName}",
  tags,
  summary: "Save a new version; the same bytes again make none",
  request: { params, query: saveQuery, headers: ifMatchHeader, body: definitionBody },
  responses: saved,
});
const remove = createRoute({
  method: "delete",
  path: "/api/v1/jobs/{idOrName}",
  tags,
  summary: "Take a job out of the lists; its versions and executions stay",
  request: { params, headers: ifMatchHeader },
  responses: { 204: { description: "Deleted" }, ...problemResponses },
});
const versions = createRoute({
  method: "get",
  path: "/api/v1/jobs/{idOrName}/versions",
  tags,
  summary: "Versions, newest first",
  request: { params, query: jobListQuery.omit({ q: true }) },
  responses: { 200: jsonResponse(page(jobVersion), "One page"), ...problemResponses },
});
const version = createRoute({
  method: "get",
  path: "/api/v1/jobs/{idOrName}/versions/{version}",
  tags,
  summary: "The job with the text of one version",
  request: {
    params: params.extend({
      version: z.coerce
        .number()
        .int()
        .min(1)
        .max(2 ** 31 - 1),
    }),
  },
  responses: saved,
});
const execute = createRoute({
  method: "post",
  path: "/api/v1/jobs/{idOrName}/execute",
  tags,
  summary: "Start an execution; with wait, answer when it has finished",
  request: {
    params,
    query: executeQuery,
    headers: z.object({ "idempotency-key": idempotencyKey }),
    body: { ...jsonBody(executeRequest), required: false },
  },
  responses: { 201: jsonResponse(execution, "Created; or finished, when waited for"), ...problemResponses },
});

const plan = createRoute({
  method: "post",
  path: "/api/v1/jobs/{idOrName}/plan",
  tags,
  summary: "What an execution would do, without making it: stages, exact targets, batches, or why it would be refused",
  request: { params, body: { ...jsonBody(executeRequest), required: false } },
  responses: { 200: jsonResponse(executionPlan, "The plan"), ...problemResponses },
});

export function jobRoutes(ctx: Context): Router {
  const routes = newRouter();
  routes.openapi(list, async (c) => c.json(await listJobs(ctx, c.get("actor"), c.req.valid("query")), 200));
  routes.openapi(create, async (c) => {
    const body = await readDefinitionBody(c, c.req.valid("query").message);
    const created = await createJob(ctx, c.get("actor"), body);
    c.header("Location", `/api/v1/jobs/${created.id}`);
    c.header("ETag", etag(created.revision));
    return c.json(created, 201);
  });
  // Before {idOrName}, which would take it for a name.
  routes.openapi(validate, async (c) => c.json(validateJob((await readDefinitionBody(c)).definition), 200));
  routes.openapi(check, async (c) =>
    c.json(await checkDraft(ctx, c.get("actor"), (await readDefinitionBody(c)).definition), 200),
  );
  routes.openapi(get, async (c) => {
    const found = await getJob(ctx, c.get("actor"), c.req.valid("param"));
    c.header("ETag", etag(found.revision));
    return c.json(found, 200);
  });
  routes.openapi(save, async (c) => {
    const revision = revisionOf(c.req.valid("header")["if-match"]);
    const body = await readDefinitionBody(c, c.req.valid("query").message);
    const job = await saveJob(ctx, c.get("actor"), { ...body, idOrName: c.req.valid("param").idOrName, revision });
    c.header("ETag", etag(job.revision));
    return c.json(job, 200);
  });
  routes.openapi(remove, async (c) => {
    const revision = revisionOf(c.req.valid("header")["if-match"]);
    await deleteJob(ctx, c.get("actor"), { idOrName: c.req.valid("param").idOrName, revision });
    return c.body(null, 204);
  });
  routes.openapi(versions, async (c) => {
    const query = { ...c.req.valid("query"), idOrName: c.req.valid("param").idOrName };
    return c.json(await listVersions(ctx, c.get("actor"), query), 200);
  });
  routes.openapi(version, async (c) => c.json(await getJob(ctx, c.get("actor"), c.req.valid("param")), 200));
  routes.openapi(plan, async (c) => {
    const body = executeRequest.parse(c.req.valid("json") ?? {});
    return c.json(await planExecution(ctx, c.get("actor"), { ...body, job: c.req.valid("param").idOrName }), 200);
  });
  routes.openapi(execute, async (c) => {
    const body = executeRequest.parse(c.req.valid("json") ?? {}); // an empty body is an empty request
    const idempotencyKey = c.req.valid("header")["idempotency-key"];
    const job = c.req.valid("param").idOrName;
    const created = await createExecution(ctx, c.get("actor"), { ...body, job, idempotencyKey });
    c.header("Location", `/api/v1/executions/${created.id}`);
    return c.json(await waited(ctx, c, created, c.req.valid("query").wait), 201);
  });
  return routes;
}

const maxWaitSeconds = 300;

async function waited(
  ctx: Context,
  c: Http,
  created: z.infer<typeof execution>,
  wait: string | undefined,
): Promise<z.infer<typeof execution>> {
  if (wait === undefined) return created;
  const waitMs = Math.min(Number.parseInt(wait, 10), maxWaitSeconds) * 1000;
  const done = await waitForExecution(ctx, c.get("actor"), { execution: created, waitMs, signal: c.req.raw.signal });
  // Of the request and not of the execution: who reads it later is not told.
  return { ...done, ...(created.notice !== undefined && { notice: created.notice }) };
}
