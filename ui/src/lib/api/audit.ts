// Requests of the audit log.
import { request, requestFile } from "./request.ts";
import type { AuditEntry, AuditFilter, AuditFork, AuditForks, AuditVerification, Page } from "./types.ts";

export const listAudit = (query: AuditFilter & { limit?: number; cursor?: string }, signal?: AbortSignal) =>
  request<Page<AuditEntry>>("GET", "audit", { query, signal });

export const verifyAudit = (signal?: AbortSignal) => request<AuditVerification>("GET", "audit/verify", { signal });

export const exportAudit = (format: "jsonl" | "csv", filter: AuditFilter) =>
  requestFile("GET", "audit/export", { query: { format, ...filter } });

export const listForks = (signal?: AbortSignal) => request<AuditForks>("GET", "audit/forks", { signal });

export const settleFork = (id: string, reason: string) =>
  request<AuditFork>("POST", `audit/forks/${id}/settle`, { body: { reason } });
