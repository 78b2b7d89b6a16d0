// The shapes of the original's root paths (`/auth/login`, `/targets`, `/jobs`, `/executions`), for programs written
// against it: snake_case, pages by skip and limit, its words for states. New programs use /api/v1.
import * as z from "zod";
import type { ExecutionState } from "../states.ts";

/** The original knew five words; every state of ours has the nearest of them. */
export const originalStatus = {
  awaiting_approval: "pending",
  queued: "pending",
  running: "running",
  paused: "running",
  succeeded: "completed",
  failed: "failed",
  partial: "failed",
  timed_out: "failed",
  missed: "failed",
  cancelled: "cancelled",
  skipped: "cancelled",
} as const satisfies Record<ExecutionState, string>;

export const originalPageQuery = z.object({
  // An empty text would be coerced to 0.
  skip: z.preprocess(
    (value) => (value === "" ? Number.NaN : value),
    z.coerce.number().int().min(0).max(10_000).default(0),
  ),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

export const originalLogin = z.object({
  username: z.string().min(1).max(128),
  password: z.string().min(1).max(1024),
  otp: z.string().max(64).optional(),
});
export const originalRefresh = z.object({ refresh_token: z.string().min(1).max(128) });
export const originalLogout = z.object({ refresh_token: z.string().max(128).optional() });

export const originalUser = z.object({
  id: z.string(),
  username: z.string(),
  email: z.string().nullable(),
  role: z.string().nullable(),
  permissions: z.array(z.string()),
  is_admin: z.boolean(),
  is_active: z.boolean(),
});
export const originalTokens = z.object({
  access_token: z.string(),
  refresh_token: z.string(),
  token_type: z.literal("bearer"),
  expires_in: z.number().int(),
  user: originalUser,
});

const service = z.object({
  service_type: z.string().min(1).max(64),
  port: z.number().int().min(1).max(65535),
  is_secure: z.boolean().default(false),
  is_default: z.boolean().default(false),
  is_enabled: z.boolean().default(true),
});
const targetFields = {
  name: z.string(),
  hostname: z.string().nullable().default(null),
  ip_address: z.string().nullable().default(null),
  os_type: z.string().nullable().default(null),
  description: z.string().nullable().default(null),
  tags: z.array(z.string()).default([]).describe("`name` or `name=value`; labels in /api/v1"),
  services: z.array(service).default([]),
};
export const originalTargetInput = z.object(targetFields);
export const originalTarget = z.object({
  id: z.string(),
  ...targetFields,
  created_at: z.string(),
  updated_at: z.string(),
});
export type OriginalTarget = z.infer<typeof originalTarget>;

export const originalJob = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  version: z.number().int(),
  is_enabled: z.boolean(),
  tags: z.array(z.string()),
  created_at: z.string(),
  updated_at: z.string(),
});
export type OriginalJob = z.infer<typeof originalJob>;

export const originalExecute = z.object({
  input_data: z.record(z.string(), z.unknown()).default({}),
  targets: z.array(z.string()).min(1).max(10_000).optional().describe("names, instead of the job's own"),
});
export const originalExecution = z.object({
  id: z.string(),
  execution_id: z.string(),
  job_id: z.string(),
  job_name: z.string(),
  status: z.enum(Object.values(originalStatus)),
  trigger_type: z.string(),
  input_data: z.record(z.string(), z.unknown()),
  created_at: z.string(),
  started_at: z.string().nullable(),
  completed_at: z.string().nullable(),
});
export type OriginalExecution = z.infer<typeof originalExecution>;

/** `{<plural>: [...], total, skip, limit}` */
export const originalPage = <K extends string, T extends z.ZodType>(plural: K, item: T) =>
  z.object({ total: z.number().int(), skip: z.number().int(), limit: z.number().int() }).extend({
    [plural]: z.array(item),
  } as { [key in K]: z.ZodArray<T> });
