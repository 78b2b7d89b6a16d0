// What waits for people's agreement, for the page of approvals. Called by GET approvals and approvals/{id}.
import type { Approval, ApprovalDetail, approvalListQuery } from "@opsconductor/contract/api/approvals";
import { OcError } from "@opsconductor/contract/errors";
import type { z } from "zod";
import type { Actor, Context, Query } from "../context.ts";
import { encodeCursor } from "../cursor.ts";
import { demandOnAssignments } from "../identity/demand-on.ts";
import { mayAnywhere } from "../identity/grants.ts";
import {
  type ApprovalRow,
  type ContentStage,
  contentOf,
  type DecisionRow,
  isNamed,
  selectApproval,
  selectApprovals,
  selectDecisions,
} from "./approval-queries.ts";
import { selectDecidable } from "./approver-queries.ts";
import { assignmentIdRange } from "./assignment-ids.ts";
import type { ExecutionRow } from "./execution-queries.ts";
import { findExecution } from "./get-execution.ts";
import { idOfCursor } from "./list-executions.ts";
import { approvalProblem } from "./missing-approvers.ts";
import { loadDefinition } from "./offer-message.ts";
import { iso, presentExecution } from "./present-execution.ts";

export async function listApprovals(
  ctx: Context,
  actor: Actor,
  { state, cursor, limit }: z.infer<typeof approvalListQuery>,
): Promise<{ items: Approval[]; nextCursor?: string }> {
  const before = cursor === undefined ? undefined : idOfCursor(cursor);
  const rows = await selectApprovals(ctx.sql, actor, { waiting: state === "waiting", before, limit: limit + 1 });
  const counted = async (row: (typeof rows)[number]) => present(row, row.approval, await countedFor(ctx.sql, row));
  const items = await Promise.all(rows.slice(0, limit).map(counted));
  return rows.length > limit ? { items, nextCursor: encodeCursor([rows[limit - 1]!.id]) } : { items };
}

/** What changed after somebody had agreed is only known by its content; what is decided has that in its row. */
async function countedFor(q: Query, row: ExecutionRow & { approval: ApprovalRow; approvals: number }): Promise<number> {
  if (row.approvals === 0 || row.approval.outcome !== null) return row.approvals;
  const { hash } = await contentOf(q, row, row.approval);
  return countApproving(await selectDecisions(q, row.id), hash);
}

const countApproving = (decisions: readonly DecisionRow[], hash: Buffer): number =>
  new Set(
    counting(decisions, hash)
      .filter((d) => d.decision === "approve")
      .map((d) => d.userId),
  ).size;

/** At most this many are counted. */
const maxCounted = 100;

/** How many wait for a decision that the caller may make. */
export async function countApprovals(ctx: Context, actor: Actor): Promise<{ waiting: number }> {
  if (!isPerson(actor) || !mayAnywhere(actor, "approvals:decide")) return { waiting: 0 };
  const rows = await selectDecidable(ctx.sql, actor, { now: ctx.now(), limit: maxCounted });
  const undecided = await Promise.all(rows.map((row) => isUndecided(ctx.sql, row)));
  return { waiting: undecided.filter(Boolean).length };
}

/** A decision of theirs about what has changed since says nothing. */
async function isUndecided(q: Query, row: ExecutionRow & { decidedContents: string[] }): Promise<boolean> {
  if (row.decidedContents.length === 0) return true;
  const { hash } = await contentOf(q, row, { contentSha256: null });
  return !row.decidedContents.includes(hash.toString("hex"));
}

const isPerson = (actor: Actor): actor is Actor & { id: string } =>
  actor.kind === "user" && actor.id !== null && !actor.token;

export async function getApproval(ctx: Context, actor: Actor, execution: string): Promise<ApprovalDetail> {
  const row = await findExecution(ctx.sql, actor, execution);
  // What is approved is approved whole: its answer names every target.
  await demandOnAssignments(ctx, ctx.sql, actor, {
    ...{ permission: "executions:read", executionId: row.id, range: assignmentIdRange(row.id) },
    what: "all targets of this execution",
  });
  const approval = await findApproval(ctx.sql, row);
  const [decisions, { stages, hash }, { definition }, problem] = await Promise.all([
    selectDecisions(ctx.sql, row.id),
    contentOf(ctx.sql, row, approval),
    loadDefinition(ctx.sql, ctx.automation.dispatcher.definitions, row.jobId, row.jobVersion),
    approvalProblem(ctx.sql, row),
  ]);
  const whyNot = await reasonNotToDecide(ctx.sql, actor, { row, approval, decisions, hash, now: ctx.now() });
  return {
    ...present(row, approval, countApproving(decisions, hash)),
    contentSha256: hash.toString("hex"),
    mayDecide: whyNot === undefined,
    whyNot: whyNot ?? null,
    problem,
    definition: Buffer.from(definition).toString("utf8"),
    stages: stages.filter((stage) => stage.targets.length > 0).map(presentStage),
    decisions: decisions.map((d) => ({
      ...{ by: d.userName, decision: d.decision, comment: d.comment, at: d.at.toISOString() },
      counts: hash.equals(d.contentSha256),
    })),
  };
}

export async function findApproval(q: Query, row: ExecutionRow): Promise<ApprovalRow> {
  const approval = await selectApproval(q, row.id);
  if (!approval) throw new OcError("not_found", `Execution ${row.number} needs no approval.`);
  return approval;
}

/** Decisions about what it is now: one that was made about something else says nothing. */
export const counting = (decisions: readonly DecisionRow[], hash: Buffer): DecisionRow[] =>
  decisions.filter((decision) => hash.equals(decision.contentSha256));

interface Deciding {
  row: ExecutionRow;
  approval: ApprovalRow;
  decisions: readonly DecisionRow[];
  hash: Buffer;
  now: Date;
}

/** Undefined: the actor may decide. */
export async function reasonNotToDecide(
  q: Query,
  actor: Actor,
  { row, approval, decisions, hash, now }: Deciding,
): Promise<string | undefined> {
  if (row.state !== "awaiting_approval" || approval.outcome !== null)
    return `Execution ${row.number} does not wait for approval any more (${approval.outcome ?? row.state}).`;
  if (row.cancelRequestedAt !== null) return `Execution ${row.number} is being cancelled.`;
  if (approval.expiresAt <= now) return "The time to approve this is over.";
  if (!isPerson(actor)) return "Approving is for people: sign in and decide there; a token cannot.";
  if (!mayAnywhere(actor, "approvals:decide"))
    return "Your roles do not allow to decide about approvals (approvals:decide): ask an administrator.";
  const { by, notRequester } = approval.rule;
  if (notRequester && row.requestedBy === actor.id)
    return "You asked for this execution yourself; the job wants somebody else to decide.";
  if (by && !(await isNamed(q, actor.id, by))) return `The job lets only these decide: ${by.join(", ")}.`;
  const own = counting(decisions, hash).find((decision) => decision.userId === actor.id);
  return own && `You have decided already (${own.decision}).`;
}

function present(row: ExecutionRow, { rule, ...approval }: ApprovalRow, approvals: number): Approval {
  return {
    execution: presentExecution(row),
    required: rule.required,
    approvals,
    by: rule.by ?? null,
    notRequester: rule.notRequester,
    requestedAt: approval.requestedAt.toISOString(),
    expiresAt: approval.expiresAt.toISOString(),
    decidedAt: iso(approval.decidedAt),
    outcome: approval.outcome,
  };
}

function presentStage({
  id,
  name,
  jobVersion,
  inputs,
  matrix,
  targets,
}: ContentStage): ApprovalDetail["stages"][number] {
  return { id, name, jobVersion, inputs, matrix, targets };
}
