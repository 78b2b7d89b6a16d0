// Our resources in the words of the original. Pure; used by the routes of this folder.

import type { User } from "@opsconductor/contract/api/auth";
import type { Execution } from "@opsconductor/contract/api/executions";
import type { Job } from "@opsconductor/contract/api/jobs";
import {
  type OriginalExecution,
  type OriginalJob,
  type OriginalTarget,
  originalStatus,
  type originalTargetInput,
  type originalUser,
} from "@opsconductor/contract/api/original";
import type { Target } from "@opsconductor/contract/api/targets";
import type { z } from "zod";

export function toOriginalUser(user: User): z.infer<typeof originalUser> {
  const { id, username, email, permissions, roles } = user;
  return {
    id,
    username,
    email,
    role: roles[0] ?? null,
    permissions,
    is_admin: permissions.includes("*"),
    is_active: true,
  };
}

export function toOriginalTarget(target: Target): OriginalTarget {
  return {
    id: target.id,
    name: target.name,
    hostname: target.hostname,
    ip_address: target.address,
    os_type: target.os,
    description: target.description,
    tags: toTags(target.labels),
    services: target.services.map((s) => ({
      service_type: s.type,
      port: s.port,
      is_secure: s.secure,
      is_default: s.default,
      is_enabled: s.enabled,
    })),
    created_at: target.createdAt,
    updated_at: target.updatedAt,
  };
}

/** What the inventory's own schema then checks. */
export function fromOriginalTarget(input: z.infer<typeof originalTargetInput>) {
  return {
    name: input.name,
    hostname: input.hostname,
    address: input.ip_address,
    os: input.os_type,
    description: input.description ?? "",
    labels: fromTags(input.tags),
    services: input.services.map((s) => ({
      type: s.service_type,
      port: s.port,
      secure: s.is_secure,
      default: s.is_default,
      enabled: s.is_enabled,
    })),
  };
}

export function toOriginalJob(job: Job): OriginalJob {
  const { id, name, description, version, labels, createdAt, updatedAt } = job;
  const tags = toTags(labels);
  return { id, name, description, version, is_enabled: true, tags, created_at: createdAt, updated_at: updatedAt };
}

export function toOriginalExecution(execution: Execution): OriginalExecution {
  return {
    id: execution.id,
    execution_id: execution.id,
    job_id: execution.jobId,
    job_name: execution.jobName,
    status: originalStatus[execution.state],
    trigger_type: execution.triggerKind,
    input_data: execution.inputs,
    created_at: execution.createdAt,
    started_at: execution.startedAt,
    completed_at: execution.finishedAt,
  };
}

function toTags(labels: Record<string, string>): string[] {
  return Object.entries(labels).map(([name, value]) => (value === "" ? name : `${name}=${value}`));
}

function fromTags(tags: readonly string[]): Record<string, string> {
  return Object.fromEntries(tags.map((tag) => [tag.split("=", 1)[0]!, tag.split("=").slice(1).join("=")]));
}
