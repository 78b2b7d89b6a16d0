// Approvals: what waits for people's agreement, what exactly they agree to, and their decisions.
import * as z from "zod";
import { id, instant, listQuery, storableText } from "./common.ts";
import { approvalProblem, execution } from "./executions.ts";

export const approval = z.object({
  execution,
  required: z.number().int().describe("how many different people must approve"),
  approvals: z.number().int().describe("how many have"),
  by: z
    .array(z.string())
    .nullable()
    .describe("who may decide: role:<name> or user:<name>; null: whoever has approvals:decide"),
  notRequester: z.boolean(),
  requestedAt: instant,
  expiresAt: instant,
  decidedAt: instant.nullable(),
  outcome: z.enum(["approved", "rejected", "expired", "cancelled"]).nullable().describe("null while it waits"),
});
export type Approval = z.infer<typeof approval>;

export const approvalDetail = approval.extend({
  contentSha256: z
    .string()
    .describe(
      "of the version, the inputs, the stages and the targets: as they are now, and once it is decided as they were then; a decision names it",
    ),
  mayDecide: z.boolean(),
  whyNot: z.string().nullable().describe("why the caller cannot decide"),
  problem: approvalProblem,
  definition: z.string(),
  stages: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      jobVersion: z.number().int().nullable(),
      inputs: z.record(z.string(), z.unknown()).nullable(),
      matrix: z.record(z.string(), z.string()).nullable(),
      targets: z.array(z.object({ id, name: z.string(), agentId: id.nullable(), batch: z.number().int() })),
    }),
  ),
  decisions: z.array(
    z.object({
      by: z.string(),
      decision: z.enum(["approve", "reject"]),
      comment: z.string(),
      at: instant,
      counts: z.boolean().describe("false: something changed since, so it is about other content"),
    }),
  ),
});
export type ApprovalDetail = z.infer<typeof approvalDetail>;

export const approvalListQuery = listQuery
  .pick({ cursor: true, limit: true })
  .extend({ state: z.enum(["waiting", "decided"]).default("waiting") });

export const decideRequest = z.strictObject({
  decision: z.enum(["approve", "reject"]),
  comment: storableText(1000).default(""),
  contentSha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits, as the approval says")
    .describe("what was looked at"),
});
export const approvalCount = z.object({
  waiting: z.number().int().describe("that the caller may decide now; at most 100 are counted"),
});
