// Requests of executions that lists outside their own pages need.
import { request } from "./request.ts";
import type { Execution, Page } from "./types.ts";

export const listExecutions = (
  query: { q?: string; state?: string; job?: string; target?: string; limit?: number; cursor?: string },
  signal?: AbortSignal,
) => request<Page<Execution>>("GET", "executions", { query, signal });
