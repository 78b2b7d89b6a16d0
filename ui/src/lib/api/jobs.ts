// Requests of jobs that lists outside their own pages need.
import { request } from "./request.ts";
import type { Job, Page } from "./types.ts";

export const listJobs = (query: { q?: string; limit?: number; cursor?: string }, signal?: AbortSignal) =>
  request<Page<Job>>("GET", "jobs", { query, signal });
