// Requests of approvals.
import { request } from "./request.ts";
import type { Approval, ApprovalDetail, Page } from "./types.ts";

const one = (id: string, rest = "") => `approvals/${encodeURIComponent(id)}${rest}`;

export const listApprovals = (query: { state: "waiting" | "decided"; cursor?: string }, signal?: AbortSignal) =>
  request<Page<Approval>>("GET", "approvals", { query: { ...query, limit: 100 }, signal });

export const countApprovals = (signal?: AbortSignal) =>
  request<{ waiting: number }>("GET", "approvals/count", { signal });

/** By the id or number of the execution. */
export const getApproval = (id: string, signal?: AbortSignal) => request<ApprovalDetail>("GET", one(id), { signal });

export const decideApproval = (
  id: string,
  body: { decision: "approve" | "reject"; comment: string; contentSha256: string },
) => request<ApprovalDetail>("POST", one(id, "/decide"), { body });
