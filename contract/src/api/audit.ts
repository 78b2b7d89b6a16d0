// GET audit and what proves it: who did what, to what, from where and when.
import * as z from "zod";
import { id, instant, lineText, listQuery, storableText } from "./common.ts";

export const auditActorKind = z.enum(["user", "agent", "system", "anonymous"]);
const values = z.record(z.string(), z.unknown()).nullable();

export const auditEntry = z.object({
  id,
  at: instant,
  actor: z.object({ kind: auditActorKind, id: z.string().nullable(), name: z.string() }),
  sessionId: z.string().nullable(),
  requestId: z.string().nullable(),
  address: z.string().nullable(),
  action: z.string().describe("what happened, in the past: job.created, execution.cancelled, user.signed_in"),
  object: z.object({ kind: z.string(), id: z.string().nullable(), name: z.string().nullable() }).nullable(),
  outcome: z.enum(["ok", "refused"]),
  before: values,
  after: values,
  detail: z.record(z.string(), z.unknown()),
  position: z.number().int().nullable().describe("place in the chain; null for a second or so after it was written"),
  hash: z.string().nullable().describe("hex; over this row and the hash of the position before"),
});
export type AuditEntry = z.infer<typeof auditEntry>;

const text = storableText(200);
export const auditFilter = z.object({
  action: text.optional().describe("an action, or its beginning with a star: execution.*"),
  actor: text.optional().describe("id or name of who did it"),
  actorKind: auditActorKind.optional(),
  object: text.optional().describe("id or name of what it was done to"),
  objectKind: text.optional().describe("job, target, agent, execution, user …"),
  outcome: z.enum(["ok", "refused"]).optional(),
  from: instant.optional(),
  to: instant.optional().describe("before this instant"),
});
export type AuditFilter = z.infer<typeof auditFilter>;
export const auditListQuery = listQuery.omit({ q: true }).extend(auditFilter.shape);

export const auditProblem = z.object({
  position: z.number().int(),
  kind: z.enum(["altered", "deleted", "gap", "truncated", "unchained", "checkpoint", "anchor", "witness"]),
  message: z.string(),
});
export type AuditProblem = z.infer<typeof auditProblem>;

export const auditVerification = z.object({
  ok: z.boolean(),
  rows: z.number().int().describe("links that were checked"),
  checkpoints: z.number().int().describe("signed checkpoints that agree"),
  witnesses: z.number().int().describe("checkpoints that agents kept and that agree; of an export only"),
  firstPosition: z.number().int().describe("more than 1 when retention removed rows before"),
  lastPosition: z.number().int(),
  lastHash: z.string().describe("hex; write it down, and nobody can shorten the log unnoticed"),
  keys: z.array(z.string()).describe("fingerprints of the keys that the checkpoints were checked with"),
  problems: z.array(auditProblem).describe("at most 100"),
});
export type AuditVerification = z.infer<typeof auditVerification>;

export const auditFork = z.object({
  id,
  agentId: id,
  agentName: z.string(),
  kind: z
    .enum(["other_hash", "backwards", "other_key", "chain_differs"])
    .describe(
      "other_hash: two hashes of one position; backwards: less than before without an accepted restore; other_key: signed " +
        "with another key; chain_differs: what the agent keeps is not in the chain",
    ),
  position: z.number().int().describe("of what the agent keeps"),
  keptHash: z.string(),
  toldPosition: z.number().int().describe("of what the agent was told, or what the chain has"),
  toldHash: z.string().nullable().describe("null: the chain has no such position"),
  proven: z.boolean().describe("what the agent shows is signed with the key of this cluster"),
  noticedAt: instant,
  reportedAt: instant,
  settled: z.object({ at: instant, by: z.string(), reason: z.string() }).nullable(),
});
export type AuditFork = z.infer<typeof auditFork>;
export const auditForks = z.object({ items: z.array(auditFork), open: z.number().int().describe("not settled yet") });
export const settleForkRequest = z.strictObject({ reason: lineText(500).min(1) });

export const auditExportQuery = auditFilter.extend({
  format: z
    .enum(["jsonl", "csv"])
    .default("jsonl")
    .describe("jsonl: the chain with its proof, without filters; csv: what the filters leave, for people"),
});
