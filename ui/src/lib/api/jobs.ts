// Requests of jobs and their versions.
import { newIdempotencyKey, request, requestFile } from "./request.ts";
import type { DraftCheck, Job, JobDetail, JobImport, JobVersion, Page, ValidateResponse } from "./types.ts";

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

/** The exact bytes of one version. */
export const downloadVersion = (job: string, version: number) =>
  requestFile("GET", one(job, `/versions/${version}/definition`));

/** An archive of the jobs that `q` finds, as the list does; every job without it. */
export const exportJobs = (q: string) => requestFile("POST", "job-exports", { body: q === "" ? {} : { q } });

export interface JobImportParams {
  file: Blob;
  contentType: string;
  /** Of the dry run that somebody looked at; without one nothing is saved. */
  plan?: string;
  message?: string;
}

export const importJobs = ({ file, contentType, plan, message }: JobImportParams, signal?: AbortSignal) =>
  request<JobImport>("POST", "job-imports", {
    query: { dryRun: plan === undefined, plan, message },
    body: file,
    contentType,
    signal,
  });
