// Requests of executions and of what hangs on them.
import { newIdempotencyKey, request } from "./request.ts";
import type {
  Assignment,
  Execution,
  ExecutionDetail,
  ExecutionPlan,
  OutputLines,
  OutputTicket,
  Page,
  Step,
  TimelineEntry,
} from "./types.ts";

const one = (id: string, rest = "") => `executions/${encodeURIComponent(id)}${rest}`;

export const listExecutions = (
  query: { q?: string; state?: string; job?: string; target?: string; limit?: number; cursor?: string },
  signal?: AbortSignal,
) => request<Page<Execution>>("GET", "executions", { query, signal });

export const getExecution = (id: string, signal?: AbortSignal) => request<ExecutionDetail>("GET", one(id), { signal });

/** The most that one page of the console shows; the server's own limit. */
const maxAssignments = 10_000;
export const listAssignments = (id: string, signal?: AbortSignal) =>
  request<Page<Assignment>>("GET", one(id, "/assignments"), { query: { limit: maxAssignments }, signal });

export const listSteps = (id: string, target: string | undefined, signal?: AbortSignal) =>
  request<{ items: Step[] }>("GET", one(id, "/steps"), { query: { target }, signal });

export interface OutputPlace {
  target: string;
  step: string;
  try?: number;
}
export const getOutput = (
  id: string,
  place: OutputPlace,
  range: { from: number; limit: number },
  signal?: AbortSignal,
) => request<OutputLines>("GET", one(id, "/output"), { query: { ...place, ...range }, signal });

/** A link to the bytes as the step wrote them, for one download by the browser itself. */
export const createOutputTicket = (id: string, place: OutputPlace) =>
  request<OutputTicket>("POST", one(id, "/output-ticket"), { query: { ...place } });

export const cancelExecution = (id: string, reason: string) =>
  request<Execution>("POST", one(id, "/cancel"), { body: { reason } });

export const pauseExecution = (id: string) => request<Execution>("POST", one(id, "/pause"), {});
export const resumeExecution = (id: string) => request<Execution>("POST", one(id, "/resume"), {});

/** Declares one target's work lost. */
export const abandonAssignment = (id: string, assignmentId: string, reason: string) =>
  request<Assignment>("POST", one(id, `/assignments/${encodeURIComponent(assignmentId)}/abandon`), {
    body: { reason },
  });

export interface RetryRequest {
  assignments?: string[];
  take?: "failed" | "rest";
  repeatLost: boolean;
  reason: string;
}
export const retryFailed = (id: string, body: RetryRequest, idempotencyKey: string) =>
  request<Execution>("POST", one(id, "/retry-failed"), { body, idempotencyKey });

/** Newest first; as many as one page of the console shows. */
export const getTimeline = (id: string, signal?: AbortSignal) =>
  request<Page<TimelineEntry>>("GET", one(id, "/timeline"), { query: { limit: 1000 }, signal });

export interface ExecuteRequest {
  inputs: Record<string, unknown>;
  targets?: { select: string } | { names: string[] };
  version?: number;
  reason?: string;
}
/** What `executeJob` would do. */
export const planJob = (job: string, body: ExecuteRequest, signal?: AbortSignal) =>
  request<ExecutionPlan>("POST", `jobs/${encodeURIComponent(job)}/plan`, { body, signal });
export const executeJob = (job: string, body: ExecuteRequest, idempotencyKey = newIdempotencyKey()) =>
  request<Execution>("POST", `jobs/${encodeURIComponent(job)}/execute`, { body, idempotencyKey });
