// One person's decision about an execution that waits: for exactly the content that the person has looked at. Decisions
// come one after the other, under the lock of the execution's row; the same person counts once; enough approvals let it
// begin, one rejection ends it. Called by POST approvals/{id}/decide.
import type { ApprovalDetail, decideRequest } from "@opsconductor/contract/api/approvals";
import { OcError } from "@opsconductor/contract/errors";
import type { z } from "zod";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context, Query } from "../context.ts";
import { demandOnAssignments } from "../identity/demand-on.ts";
import { demandProofForTargets } from "../identity/step-up.ts";
import {
  contentOf,
  insertDecision,
  lockForDecision,
  selectDecisions,
  setApprovalOutcome,
  setDue,
} from "./approval-queries.ts";
import { counting, findApproval, getApproval, reasonNotToDecide } from "./approvals.ts";
import { assignmentIdRange } from "./assignment-ids.ts";
import { findExecution } from "./get-execution.ts";
import { publishTimelines } from "./publish-changes.ts";
import { insertNotes } from "./timeline-queries.ts";

type Params = z.infer<typeof decideRequest> & { execution: string };

export async function decideApproval(ctx: Context, actor: Actor, params: Params): Promise<ApprovalDetail> {
  const { id, targetCount } = await findExecution(ctx.sql, actor, params.execution);
  await demandOnAssignments(ctx, ctx.sql, actor, {
    ...{ permission: "approvals:decide", executionId: id, range: assignmentIdRange(id) },
    what: "all targets of this execution",
  });
  if (params.decision === "approve") await demandProofForTargets(ctx, actor, targetCount);
  await ctx.sql.begin((tx) => decide(ctx, tx, actor, id, params));
  ctx.automation.flows.wake([id]);
  await ctx.automation.flows.idle();
  publishTimelines(ctx, [id]);
  ctx.live.publish({ kind: "changed", topic: "approvals", ids: [id] });
  ctx.log.info({ executionId: id, decision: params.decision, actor: actor.name }, "approval.decided");
  return await getApproval(ctx, actor, id);
}

async function decide(ctx: Context, tx: Query, actor: Actor, id: string, params: Params): Promise<void> {
  const row = (await lockForDecision(tx, id))!;
  const approval = await findApproval(tx, row);
  const decisions = await selectDecisions(tx, id);
  const content = await contentOf(tx, row, approval);
  const { hash } = content;
  const at = ctx.now();
  const refusal = await reasonNotToDecide(tx, actor, { row, approval, decisions, hash, now: at });
  if (refusal) throw new OcError("failed_precondition", refusal);
  if (hash.toString("hex") !== params.contentSha256)
    throw new OcError(
      "version_mismatch",
      "What would run has changed since you read it, for instance a target: look at it again, then decide.",
    );
  const { decision, comment } = params;
  const own = { userId: actor.id!, userName: actor.name, contentSha256: hash, decision, comment, at };
  if (!(await insertDecision(tx, id, own))) throw new OcError("conflict", "You have decided about this already.");
  const approvals = new Set(
    [...counting(decisions, hash), own].filter((d) => d.decision === "approve").map((d) => d.userId),
  );
  const done = decision === "reject" || approvals.size >= approval.rule.required;
  const outcome = decision === "reject" ? "rejected" : "approved";
  if (done) await setApprovalOutcome(tx, id, { ...content, outcome, at });
  if (done) await setDue(tx, id);
  const detail = {
    comment,
    approvals: approvals.size,
    required: approval.rule.required,
    contentSha256: params.contentSha256,
  };
  const kind = decision === "reject" ? "approval.rejected" : "approval.approved";
  const note = { executionId: id, assignmentId: null, targetName: null, kind, at } as const;
  await insertNotes(tx, [{ ...note, detail: { by: actor.name, reason: comment, ...detail } }]);
  await writeAudit(ctx, tx, actor, {
    action: kind,
    object: { kind: "execution", id, name: row.jobName },
    detail: { ...detail, number: Number(row.number) },
  });
}
