// Inventory: `targets`, `targets/resolve`.
import * as z from "zod";
import { agentStates } from "../states.ts";
import { id, instant, labels, lineText, listQuery, name, smallRecord } from "./common.ts";

export const service = z.strictObject({
  type: lineText(64).min(1),
  port: z.number().int().min(1).max(65535),
  secure: z.boolean().default(false),
  default: z.boolean().default(false),
  enabled: z.boolean().default(true),
  credential: z.strictObject({ kind: lineText(64), secret: lineText(128) }).optional(),
});

const fields = {
  name,
  hostname: lineText(253).nullable().default(null),
  address: lineText(253).nullable().default(null),
  os: lineText(64).nullable().default(null),
  description: z.string().max(2000).default(""),
  labels: labels.default({}),
  attributes: smallRecord.default({}),
  services: z.array(service).max(64).default([]),
  managedByAgentId: id.nullable().default(null),
};
export const targetInput = z.strictObject(fields);
/** PATCH: only what is named changes; `labels`, `attributes` and `services` are replaced whole. */
export const targetPatch = z.strictObject({
  name: fields.name.optional(),
  hostname: lineText(253).nullable().optional(),
  address: lineText(253).nullable().optional(),
  os: lineText(64).nullable().optional(),
  description: z.string().max(2000).optional(),
  labels: labels.optional(),
  attributes: smallRecord.optional(),
  services: z.array(service).max(64).optional(),
  managedByAgentId: id.nullable().optional(),
});
export const target = z.object({
  id,
  name: z.string(),
  hostname: z.string().nullable(),
  address: z.string().nullable(),
  os: z.string().nullable(),
  description: z.string(),
  labels: z.record(z.string(), z.string()),
  attributes: z.record(z.string(), z.unknown()),
  facts: z.record(z.string(), z.unknown()),
  services: z.array(service),
  groups: z.array(z.object({ id, name: z.string() })).describe("those it was put in, by name; not the ones above them"),
  managedByAgentId: id.nullable(),
  agentName: z.string().nullable(),
  agentState: z.enum(agentStates).nullable(),
  createdAt: instant,
  updatedAt: instant,
  revision: z.number().int(),
  canWrite: z.boolean().describe("the caller may change and delete it"),
});
export type Target = z.infer<typeof target>;
export const targetListQuery = listQuery.extend({ select: z.string().max(2000).optional().describe("selector") });

/** The exact list that a selector or names mean now. `items` is cut at `limit`, `count` is not. */
export const resolveQuery = z.object({
  select: z.string().max(2000).optional(),
  names: z.string().max(20000).optional().describe("comma-separated"),
  limit: z.coerce.number().int().min(1).max(1000).default(200),
  job: z.string().min(1).max(128).optional().describe("id or name: those on which the caller may run this job"),
  inputs: z
    .string()
    .max(6000)
    .optional()
    .describe(
      "with job: a JSON object, the inputs to run it with; the caller's rights may bind them. What is required and not given counts as open",
    ),
});
const resolvedTarget = z.object({
  id,
  name: z.string(),
  agentId: id.nullable(),
  agentState: z.enum(agentStates).nullable(),
});
export const resolveResponse = z.object({
  count: z.number().int(),
  withoutAgent: z.number().int(),
  offline: z.number().int(),
  limited: z
    .boolean()
    .describe("with job: the caller may run it so on a part of the fleet only, and the rest is left out"),
  items: z.array(resolvedTarget),
});
