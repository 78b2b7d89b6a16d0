// A row of the inventory as the API answers it. Called by the verbs of this folder.
import type { Target } from "@opsconductor/contract/api/targets";
import type { TargetRow } from "./target-queries.ts";

export function presentTarget(row: TargetRow): Target {
  return {
    ...row,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    revision: Number(row.revision),
  };
}

/** What the audit keeps of a target: everything a person can set. */
export function auditedTarget(target: Target): Record<string, unknown> {
  const { name, hostname, address, os, description, labels, attributes, services, groups, managedByAgentId } = target;
  return {
    name,
    hostname,
    address,
    os,
    description,
    labels,
    attributes,
    services,
    managedByAgentId,
    groups: groups.map((group) => group.name),
  };
}
