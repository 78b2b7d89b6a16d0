// Executions: lists and details, output by lines and as bytes, cancel.
import { createRoute, z } from "@hono/zod-openapi";
import { page } from "@opsconductor/contract/api/common";
import {
  abandonRequest,
  assignment,
  assignmentListQuery,
  cancelRequest,
  execution,
  executionDetail,
  executionListQuery,
  outputFileQuery,
  outputLines,
  outputQuery,
  outputTicket,
  retryRequest,
  step,
  stepListQuery,
  timelineEntry,
  timelineQuery,
} from "@opsconductor/contract/api/executions";
import { OcError } from "@opsconductor/contract/errors";
import { abandonAssignment } from "../../automation/abandon-assignment.ts";
import { cancelExecution } from "../../automation/cancel-execution.ts";
import { getExecution } from "../../automation/get-execution.ts";
import { listAssignments } from "../../automation/list-assignments.ts";
import { listExecutions } from "../../automation/list-executions.ts";
import { listSteps } from "../../automation/list-steps.ts";
import { issueOutputTicket, redeemOutputTicket } from "../../automation/output-tickets.ts";
import { pauseExecution, resumeExecution } from "../../automation/pause-execution.ts";
import { readOutputFile } from "../../automation/read-output-file.ts";
import { readOutputLines } from "../../automation/read-output-lines.ts";
import { readTimeline } from "../../automation/read-timeline.ts";
import { retryExecution } from "../../automation/retry-execution.ts";
import type { Context } from "../../context.ts";
import { cutWhenRevoked } from "../cut-when-revoked.ts";
import { fileResponses, sendOutputFile } from "../output-file.ts";
import { idempotencyKey, jsonBody, jsonResponse, newRouter, problemResponses, type Router } from "../router.ts";

const tags = ["Executions"];
const params = z.object({ id: z.string().min(1).max(64).describe("id or number") });

const list = createRoute({
  method: "get",
  path: "/api/v1/executions",
  tags,
  summary: "Executions, newest first",
  request: { query: executionListQuery },
  responses: { 200: jsonResponse(page(execution), "One page"), ...problemResponses },
});
const get = createRoute({
  method: "get",
  path: "/api/v1/executions/{id}",
  tags,
  summary: "One execution with its stages and the definition it is bound to",
  request: { params },
  responses: { 200: jsonResponse(executionDetail, "The execution"), ...problemResponses },
});
const assignments = createRoute({
  method: "get",
  path: "/api/v1/executions/{id}/assignments",
  tags,
  summary: "What each target was given, by target name, with the states of its steps",
  request: { params, query: assignmentListQuery },
  responses: { 200: jsonResponse(page(assignment), "One page"), ...problemResponses },
});
const steps = createRoute({
  method: "get",
  path: "/api/v1/executions/{id}/steps",
  tags,
  summary: "Steps with their tries, of one target or all",
  request: { params, query: stepListQuery },
  responses: { 200: jsonResponse(z.object({ items: z.array(step) }), "Steps in order"), ...problemResponses },
});
const output = createRoute({
  method: "get",
  path: "/api/v1/executions/{id}/output",
  tags,
  summary: "Lines of a step's output",
  request: { params, query: outputQuery },
  responses: { 200: jsonResponse(outputLines, "Lines"), ...problemResponses },
});
const outputFile = createRoute({
  method: "get",
  path: "/api/v1/executions/{id}/output.txt",
  tags,
  summary: "A step's output as a file, with a line where a cap left some out; takes Range",
  request: { params, query: outputFileQuery },
  responses: fileResponses,
});
const ticket = createRoute({
  method: "post",
  path: "/api/v1/executions/{id}/output-ticket",
  tags,
  summary: "A link for a download by the browser: one use, within a minute",
  request: { params, query: outputFileQuery },
  responses: { 201: jsonResponse(outputTicket, "Navigate to its url"), ...problemResponses },
});
const download = createRoute({
  method: "get",
  path: "/api/v1/downloads/{ticket}",
  tags,
  summary: "The download that a ticket stands for",
  request: { params: z.object({ ticket: z.string().regex(/^[A-Za-z0-9_-]{43}$/, "a ticket of ours") }) },
  responses: fileResponses,
});
const cancel = createRoute({
  method: "post",
  path: "/api/v1/executions/{id}/cancel",
  tags,
  summary: "Cancel; what agents hold ends by their word. Asking again is harmless",
  request: { params, body: { ...jsonBody(cancelRequest), required: false } },
  responses: { 200: jsonResponse(execution, "As it is after the request"), ...problemResponses },
});

const pause = createRoute({
  method: "post",
  path: "/api/v1/executions/{id}/pause",
  tags,
  summary: "Pause: nothing new is offered, and what runs stops before its next step",
  request: { params },
  responses: { 200: jsonResponse(execution, "As it is now"), ...problemResponses },
});
const resume = createRoute({
  method: "post",
  path: "/api/v1/executions/{id}/resume",
  tags,
  summary: "Let a paused execution go on",
  request: { params },
  responses: { 200: jsonResponse(execution, "As it is now"), ...problemResponses },
});
const timeline = createRoute({
  method: "get",
  path: "/api/v1/executions/{id}/timeline",
  tags,
  summary: "What happened to it, newest first: interruptions, adoptions, gaps, acts of people",
  request: { params, query: timelineQuery },
  responses: { 200: jsonResponse(page(timelineEntry), "One page"), ...problemResponses },
});
const retry = createRoute({
  method: "post",
  path: "/api/v1/executions/{id}/retry-failed",
  tags,
  summary: "A new execution of the same version and inputs on the targets that ended badly",
  request: {
    params,
    headers: z.object({ "idempotency-key": idempotencyKey }),
    body: { ...jsonBody(retryRequest), required: false },
  },
  responses: { 201: jsonResponse(execution, "The new execution"), ...problemResponses },
});
const abandon = createRoute({
  method: "post",
  path: "/api/v1/executions/{id}/assignments/{assignmentId}/abandon",
  tags,
  summary: "Declare an assignment lost whose end nobody may ever tell; a late result is kept as evidence",
  request: { params: params.extend({ assignmentId: z.uuid() }), body: jsonBody(abandonRequest) },
  responses: { 200: jsonResponse(assignment, "As it is now"), ...problemResponses },
});

export function executionRoutes(ctx: Context): Router {
  const routes = newRouter();
  routes.openapi(list, async (c) => c.json(await listExecutions(ctx, c.get("actor"), c.req.valid("query")), 200));
  routes.openapi(get, async (c) => c.json(await getExecution(ctx, c.get("actor"), c.req.valid("param").id), 200));
  routes.openapi(assignments, async (c) => {
    const query = { ...c.req.valid("query"), execution: c.req.valid("param").id };
    return c.json(await listAssignments(ctx, c.get("actor"), query), 200);
  });
  routes.openapi(steps, async (c) => {
    const query = { ...c.req.valid("query"), execution: c.req.valid("param").id };
    return c.json(await listSteps(ctx, c.get("actor"), query), 200);
  });
  routes.openapi(output, async (c) => {
    const query = { ...c.req.valid("query"), execution: c.req.valid("param").id };
    c.header("Cache-Control", "no-store");
    return c.json(await readOutputLines(ctx, c.get("actor"), query), 200);
  });
  routes.openapi(outputFile, async (c) => {
    const query = { ...c.req.valid("query"), execution: c.req.valid("param").id };
    return sendOutputFile(c, await readOutputFile(ctx, c.get("actor"), query));
  });
  routes.openapi(ticket, async (c) => {
    const query = { ...c.req.valid("query"), execution: c.req.valid("param").id };
    return c.json(await issueOutputTicket(ctx, c.get("actor"), query), 201);
  });
  routes.openapi(download, async (c) => {
    // Whoever only looks must not spend the ticket of the download that follows.
    if (c.req.method === "HEAD") throw new OcError("method_not_allowed", "A download link answers one GET.");
    const actor = c.get("actor");
    const { file, holder } = await redeemOutputTicket(ctx, actor, c.req.valid("param").ticket);
    cutWhenRevoked(ctx, c, { ...holder, requestId: actor.requestId });
    return sendOutputFile(c, file);
  });
  routes.openapi(timeline, async (c) => {
    const query = { ...c.req.valid("query"), execution: c.req.valid("param").id };
    return c.json(await readTimeline(ctx, c.get("actor"), query), 200);
  });
  routes.openapi(retry, async (c) => {
    const body = retryRequest.parse(c.req.valid("json") ?? {}); // an empty body retries all that ended badly
    const idempotencyKey = c.req.valid("header")["idempotency-key"];
    const params = { ...body, execution: c.req.valid("param").id, idempotencyKey };
    const created = await retryExecution(ctx, c.get("actor"), params);
    c.header("Location", `/api/v1/executions/${created.id}`);
    return c.json(created, 201);
  });
  routes.openapi(abandon, async (c) => {
    const { id: of, assignmentId } = c.req.valid("param");
    const params = { execution: of, assignmentId, reason: c.req.valid("json").reason };
    return c.json(await abandonAssignment(ctx, c.get("actor"), params), 200);
  });
  routes.openapi(pause, async (c) => c.json(await pauseExecution(ctx, c.get("actor"), c.req.valid("param").id), 200));
  routes.openapi(resume, async (c) => c.json(await resumeExecution(ctx, c.get("actor"), c.req.valid("param").id), 200));
  routes.openapi(cancel, async (c) => {
    const { reason } = cancelRequest.parse(c.req.valid("json") ?? {}); // an empty body is an empty reason
    return c.json(await cancelExecution(ctx, c.get("actor"), { execution: c.req.valid("param").id, reason }), 200);
  });
  return routes;
}
