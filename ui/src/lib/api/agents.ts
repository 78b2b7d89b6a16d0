// Requests of the fleet: agents and join tokens.
import { fetchAllPages } from "./fetch-all-pages.ts";
import { newIdempotencyKey, request } from "./request.ts";
import type { Agent, AgentDetail, CreatedEnrollmentToken, EnrollmentToken, Page } from "./types.ts";

const maxAgentsInTable = 10_000;

export const listAgents = (
  query: { q?: string; state?: string; limit?: number; cursor?: string },
  signal?: AbortSignal,
) => request<Page<Agent>>("GET", "agents", { query, signal });

export const listAllAgents = (signal?: AbortSignal) =>
  fetchAllPages((cursor) => listAgents({ limit: 1000, cursor }, signal), maxAgentsInTable);

export const getAgent = (id: string, signal?: AbortSignal) =>
  request<AgentDetail>("GET", `agents/${encodeURIComponent(id)}`, { signal });

export const revokeAgent = (id: string, reason: string) =>
  request<Agent | undefined>("POST", `agents/${encodeURIComponent(id)}/revoke`, { body: { reason } });

/** Trusts a quarantined agent again. */
export const releaseAgent = (id: string) => request<AgentDetail>("POST", `agents/${encodeURIComponent(id)}/release`);

export interface EnrollmentTokenRequest {
  expiresIn: string;
  namePattern?: string;
  labels?: Record<string, string>;
  cidr?: string;
}

export const createEnrollmentToken = (body: EnrollmentTokenRequest) =>
  request<CreatedEnrollmentToken>("POST", "enrollment-tokens", { body, idempotencyKey: newIdempotencyKey() });

export const listEnrollmentTokens = (signal?: AbortSignal) =>
  request<Page<EnrollmentToken>>("GET", "enrollment-tokens", { query: { limit: 200 }, signal });

export const revokeEnrollmentToken = (id: string) =>
  request<void>("DELETE", `enrollment-tokens/${encodeURIComponent(id)}`);
