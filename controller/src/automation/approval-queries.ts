// Rows of approvals and their decisions, and what exactly is approved. Called by the verbs of approvals, by create-flow.ts
// and by pass-gates.ts. Whoever decides holds the lock of the execution's row, so decisions come one after the other.
import { createHash } from "node:crypto";
import { parseDuration } from "@opsconductor/contract/job/duration";
import { canonicalJson } from "@opsconductor/contract/job/inputs";
import type { ApprovalSpec } from "@opsconductor/contract/job/rollout-schema";
import type { Actor, Query } from "../context.ts";
import { visibleTo } from "../identity/visible-to.ts";
import { jsonb } from "../jsonb.ts";
import { assignmentIdRange } from "./assignment-ids.ts";
import { type ExecutionRow, executionColumns } from "./execution-queries.ts";

export type ApprovalOutcome = "approved" | "rejected" | "expired" | "cancelled";
export type ApprovalRule = Pick<ApprovalSpec, "by" | "required" | "notRequester">;

export interface ApprovalRow {
  executionId: string;
  rule: ApprovalRule;
  requestedAt: Date;
  expiresAt: Date;
  decidedAt: Date | null;
  outcome: ApprovalOutcome | null;
  /** What the outcome is about. */
  contentSha256: Uint8Array | null;
}

export interface DecisionRow {
  userId: string;
  userName: string;
  contentSha256: Uint8Array;
  decision: "approve" | "reject";
  comment: string;
  at: Date;
}

export const approvalExpiry = ({ expires }: ApprovalSpec, at: Date): Date =>
  new Date(at.getTime() + parseDuration(expires)!);

export async function requestApproval(
  q: Query,
  { id, at }: { id: string; at: Date },
  spec: ApprovalSpec,
): Promise<void> {
  const { by, required, notRequester } = spec;
  const rule = { ...(by && { by }), required, notRequester };
  await q`insert into automation.approvals (execution_id, rule, requested_at, expires_at)
    values (${id}, ${jsonb(q, rule)}, ${at}, ${approvalExpiry(spec, at)})`;
}

export async function selectApproval(q: Query, executionId: string): Promise<ApprovalRow | undefined> {
  const [row] = await q<ApprovalRow[]>`
    select execution_id, rule, requested_at, expires_at, decided_at, outcome, content_sha256
    from automation.approvals where execution_id = ${executionId}`;
  return row;
}

export async function selectDecisions(q: Query, executionId: string): Promise<DecisionRow[]> {
  return await q<DecisionRow[]>`
    select user_id, user_name, content_sha256, decision, comment, at
    from automation.approval_decisions where execution_id = ${executionId} order by at, user_id`;
}

export async function setApprovalOutcome(
  q: Query,
  executionId: string,
  { outcome, at, hash, stages }: Content & { outcome: ApprovalOutcome; at: Date },
): Promise<void> {
  await q`update automation.approvals set outcome = ${outcome}, decided_at = ${at},
      content_sha256 = ${hash}, content = ${jsonb(q, stages)}
    where execution_id = ${executionId} and outcome is null`;
}

/** False: this person has decided about this content already. */
export async function insertDecision(q: Query, executionId: string, row: DecisionRow): Promise<boolean> {
  const result = await q`
    insert into automation.approval_decisions (execution_id, user_id, user_name, content_sha256, decision, comment, at)
    values (${executionId}, ${row.userId}, ${row.userName}, ${Buffer.from(row.contentSha256)}, ${row.decision},
      ${row.comment}, ${row.at})
    on conflict do nothing`;
  return result.count === 1;
}

/** The execution, locked against other decisions and against being advanced. */
export async function lockForDecision(q: Query, executionId: string): Promise<ExecutionRow | undefined> {
  const [row] = await q<ExecutionRow[]>`
    select ${executionColumns(q)} from automation.executions e where e.id = ${executionId} for no key update`;
  return row;
}

/** Whether somebody is one of those that the rule names: by name, or by a role that the person holds over everything. */
export async function isNamed(q: Query, userId: string, by: readonly string[]): Promise<boolean> {
  const names = (kind: string) =>
    by.filter((one) => one.startsWith(`${kind}:`)).map((one) => one.slice(kind.length + 1));
  const [row] = await q<[{ named: boolean }]>`
    select exists (select 1 from identity.users u where u.id = ${userId}
        and lower(u.username) = any(${names("user").map((name) => name.toLowerCase())}::text[]))
      or exists (select 1 from identity.user_roles ur join identity.roles r on r.id = ur.role_id
        where ur.user_id = ${userId} and lower(r.name) = any(${names("role").map((name) => name.toLowerCase())}::text[]))
      as named`;
  return row.named;
}

export interface ContentStage {
  id: string;
  name: string;
  jobId: string | null;
  jobVersion: number | null;
  definitionSha256: string | null;
  inputs: Record<string, unknown> | null;
  matrix: Record<string, string> | null;
  targets: { id: string; name: string; agentId: string | null; batch: number }[];
}

export interface Content {
  stages: ContentStage[];
  hash: Buffer;
}

/**
 * What is to be approved; once that is decided, what was: beginning fills in the inputs of stages, and whoever renames a
 * target afterwards changes nothing of what people agreed to.
 */
export async function contentOf(
  q: Query,
  execution: Parameters<typeof contentHash>[0] & { id: string },
  approval: Pick<ApprovalRow, "contentSha256">,
): Promise<Content> {
  if (approval.contentSha256 === null) {
    const stages = await selectContent(q, execution.id);
    return { stages, hash: contentHash(execution, stages) };
  }
  const [row] = await q<[{ content: ContentStage[] }]>`
    select content from automation.approvals where execution_id = ${execution.id}`;
  return { stages: row.content, hash: Buffer.from(approval.contentSha256) };
}

/**
 * What would run: the stages with the versions that they are bound to, and every target as it is now: who renames it or
 * lets another agent manage it changes what was looked at.
 */
async function selectContent(q: Query, executionId: string): Promise<ContentStage[]> {
  const { from, to } = assignmentIdRange(executionId);
  return await q<ContentStage[]>`
    select s.stage_id as id, coalesce(s.name, s.stage_id) as name, s.job_id, s.job_version,
      encode(s.definition_sha256, 'hex') as definition_sha256, s.inputs, s.matrix, coalesce((
        select jsonb_agg(jsonb_build_object('id', a.target_id, 'name', coalesce(t.name, ''), 'batch', a.batch,
          'agentId', t.managed_by_agent_id) order by a.id)
        from automation.assignments a left join assets.targets t on t.id = a.target_id and t.deleted_at is null
        where a.execution_id = ${executionId} and a.id >= ${from} and a.id <= ${to} and a.stage_id = s.stage_id
      ), '[]') as targets
    from automation.stages s where s.execution_id = ${executionId} order by s.position`;
}

/** One number for all of it: what a person agrees to. */
function contentHash(
  execution: Pick<ExecutionRow, "jobId" | "jobVersion" | "definitionSha256" | "inputs" | "checkMode">,
  stages: readonly ContentStage[],
): Buffer {
  const { jobId, jobVersion, inputs, checkMode } = execution;
  const definition = Buffer.from(execution.definitionSha256).toString("hex");
  return createHash("sha256")
    .update(canonicalJson({ jobId, jobVersion, definition, inputs, checkMode, stages }))
    .digest();
}

/** Newest first; those that wait, or those that were decided. */
export async function selectApprovals(
  q: Query,
  actor: Actor,
  f: { waiting: boolean; before: string | undefined; limit: number },
): Promise<(ExecutionRow & { approval: ApprovalRow; approvals: number })[]> {
  const rows = await q<
    (ExecutionRow & {
      rule: ApprovalRule;
      requestedAt: Date;
      expiresAt: Date;
      decidedAt: Date | null;
      outcome: ApprovalOutcome | null;
      contentSha256: Uint8Array | null;
      approvals: bigint;
    })[]
  >`
    select ${executionColumns(q)}, p.rule, p.requested_at, p.expires_at, p.decided_at, p.outcome, p.content_sha256,
      (select count(distinct d.user_id) from automation.approval_decisions d
        where d.execution_id = p.execution_id and d.decision = 'approve'
          and (p.content_sha256 is null or d.content_sha256 = p.content_sha256)) as approvals
    from automation.approvals p join automation.executions e on e.id = p.execution_id
    where ${f.waiting ? q`e.state = 'awaiting_approval' and p.outcome is null` : q`p.outcome is not null`}
      and ${f.before === undefined ? q`true` : q`p.execution_id < ${f.before}`}
      and ${visibleTo(q, actor, "execution")}
    order by p.execution_id desc limit ${f.limit}`;
  return rows.map(({ rule, requestedAt, expiresAt, decidedAt, outcome, contentSha256, approvals, ...row }) => ({
    ...row,
    approvals: Number(approvals),
    approval: { executionId: row.id, rule, requestedAt, expiresAt, decidedAt, outcome, contentSha256 },
  }));
}

export async function setDue(q: Query, executionId: string): Promise<void> {
  await q`update automation.executions set due_at = 'epoch' where id = ${executionId}`;
}
