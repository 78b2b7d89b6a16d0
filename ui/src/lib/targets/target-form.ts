// The target form's fields, their rules, and what is sent. Pure; target-dialog.svelte draws it.
import type { Service, Target, TargetInput } from "../api/types.ts";
import { type LabelRow, labelRows, labelRowsError, labelsOf } from "../ui/label-rows.ts";

export interface ServiceRow {
  type: string;
  port: string;
  secure: boolean;
  default: boolean;
  /** What this form does not edit is kept. */
  kept?: Pick<Service, "enabled" | "credential">;
}
export interface TargetForm {
  name: string;
  hostname: string;
  address: string;
  os: string;
  description: string;
  agentId: string;
  labels: LabelRow[];
  services: ServiceRow[];
}

export function targetForm(target: Target | undefined): TargetForm {
  return {
    name: target?.name ?? "",
    hostname: target?.hostname ?? "",
    address: target?.address ?? "",
    os: target?.os ?? "",
    description: target?.description ?? "",
    agentId: target?.managedByAgentId ?? "",
    labels: labelRows(target?.labels ?? {}),
    services: (target?.services ?? []).map(({ type, port, secure, default: isDefault, enabled, credential }) => ({
      type,
      port: String(port),
      secure,
      default: isDefault,
      kept: { enabled, credential },
    })),
  };
}

const namePattern = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$/;

export type NameProblem = "missing" | "wrong";

export function nameProblem(name: string): NameProblem | undefined {
  if (name.trim() === "") return "missing";
  return namePattern.test(name.trim()) ? undefined : "wrong";
}

export function serviceProblem(row: ServiceRow): "type" | "port" | undefined {
  if (row.type.trim() === "") return "type";
  const port = Number(row.port);
  return Number.isInteger(port) && port >= 1 && port <= 65_535 && row.port.trim() !== "" ? undefined : "port";
}

export function isFormValid(form: TargetForm): boolean {
  return !nameProblem(form.name) && !labelRowsError(form.labels) && !form.services.some((row) => serviceProblem(row));
}

const orNull = (text: string) => text.trim() || null;

export function targetInputOf(form: TargetForm): TargetInput {
  return {
    name: form.name.trim(),
    hostname: orNull(form.hostname),
    address: orNull(form.address),
    os: orNull(form.os),
    description: form.description.trim(),
    labels: labelsOf(form.labels),
    services: form.services.map((row) => ({
      type: row.type.trim(),
      port: Number(row.port),
      secure: row.secure,
      default: row.default,
      ...row.kept,
    })),
    managedByAgentId: form.agentId || null,
  };
}
