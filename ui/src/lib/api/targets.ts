// Requests of the inventory.
import { fetchAllPages } from "./fetch-all-pages.ts";
import { newIdempotencyKey, request } from "./request.ts";
import type { Page, ResolveResponse, Target, TargetInput, TargetPatch } from "./types.ts";

const maxTargetsInTable = 10_000;

export const listTargets = (
  query: { q?: string; select?: string; limit?: number; cursor?: string },
  signal?: AbortSignal,
) => request<Page<Target>>("GET", "targets", { query, signal });

export const listAllTargets = (select: string | undefined, signal?: AbortSignal) =>
  fetchAllPages((cursor) => listTargets({ select, limit: 1000, cursor }, signal), maxTargetsInTable);

export const getTarget = (id: string, signal?: AbortSignal) =>
  request<Target>("GET", `targets/${encodeURIComponent(id)}`, { signal });

export const createTarget = (body: TargetInput) =>
  request<Target>("POST", "targets", { body, idempotencyKey: newIdempotencyKey() });

export const updateTarget = (id: string, revision: number, body: TargetPatch) =>
  request<Target>("PATCH", `targets/${encodeURIComponent(id)}`, { body, revision });

export const deleteTarget = (id: string, revision: number) =>
  request<void>("DELETE", `targets/${encodeURIComponent(id)}`, { revision });

/** Exactly which targets a selector or a list of names means now. */
export const resolveTargets = (
  query: { select?: string; names?: string; limit?: number; job?: string; inputs?: string },
  signal?: AbortSignal,
) => request<ResolveResponse>("GET", "targets/resolve", { query, signal });
