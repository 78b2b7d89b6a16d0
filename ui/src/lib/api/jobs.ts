// Requests of jobs and their versions.
import { newIdempotencyKey, request } from "./request.ts";
import type { DraftCheck, Job, JobDetail, JobVersion, Page, ValidateResponse } from "./types.ts";

const one = (job: string, rest = "") => `jobs/${encodeURIComponent(job)}${rest}`;

export const listJobs = (query: { q?: string; limit?: number; cursor?: string }, signal?: AbortSignal) =>
  request<Page<Job>>("GET", "jobs", { query, signal });

export const getJob = (job: string, signal?: AbortSignal) => request<JobDetail>("GET", one(job), { signal });

export const listVersions = (job: string, signal?: AbortSignal) =>
  request<Page<JobVersion>>("GET", one(job, "/versions"), { query: { limit: 200 }, signal });

export const getVersion = (job: string, version: number, signal?: AbortSignal) =>
  request<JobDetail>("GET", one(job, `/versions/${version}`), { signal });

export const createJob = (definition: string, message: string) =>
  request<Job>("POST", "jobs", { body: { definition, message }, idempotencyKey: newIdempotencyKey() });

/** A new version, based on `revision`: 412 when someone was faster. */
export const updateJob = (job: string, revision: number, definition: string, message: string) =>
  request<Job>("PUT", one(job), { body: { definition, message }, revision });

export const deleteJob = (job: string, revision: number) => request<void>("DELETE", one(job), { revision });

export const validateJob = (definition: string, signal?: AbortSignal) =>
  request<ValidateResponse>("POST", "jobs/validate", { body: { definition }, signal });

/** Whether text that is not saved would run, and where. */
export const checkDraft = (definition: string) => request<DraftCheck>("POST", "jobs/check", { body: { definition } });
