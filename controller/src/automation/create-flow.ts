// Creates an execution that is advanced stage by stage and batch by batch: all its stages and assignments are rows from
// the beginning, and nothing may be offered before advance-flow.ts releases it. Called by create-execution.ts.
import { randomBytes } from "node:crypto";
import { msOf } from "@opsconductor/contract/job/duration";
import type { Job } from "@opsconductor/contract/job/job-schema";
import { summariseSteps } from "@opsconductor/contract/job/plan-stage";
import type { TargetChoice } from "../assets/resolve-targets.ts";
import { writeAudit } from "../communication/audit.ts";
import type { Actor, Context, Query } from "../context.ts";
import { demandProofForTargets } from "../identity/step-up.ts";
import { approvalExpiry, requestApproval } from "./approval-queries.ts";
import { assignmentIds } from "./assignment-ids.ts";
import { countTargets } from "./count-targets.ts";
import type { CreateExecutionParams } from "./create-execution.ts";
import { type FlowRows, insertFlow, type NewFlowAssignment, type NewFlowStage } from "./create-flow-queries.ts";
import type { ExecutionRow } from "./execution-queries.ts";
import { addTransitions, type Counts } from "./execution-state.ts";
import { type FrozenVersion, type PlannedStage, planFlow } from "./plan-flow.ts";
import { readResumed, type TakenOver, takeOver } from "./resume-flow.ts";
import { userOf } from "./save-job.ts";
import { insertRetryNote } from "./timeline-queries.ts";

/** Whether it takes more than handing its steps to all targets at once. */
export function isOrchestrated({ stages, rollout, approval, concurrency, deadline }: Job): boolean {
  return [stages, rollout, approval, concurrency, deadline].some((part) => part !== undefined);
}

export interface FlowRequest {
  id: string;
  at: Date;
  version: FrozenVersion;
  inputs: Record<string, unknown>;
  choice: TargetChoice | undefined;
  priority: number;
  params: CreateExecutionParams;
}

/** Inside the transaction that has claimed the idempotency key. */
export async function createFlow(ctx: Context, tx: Query, actor: Actor, request: FlowRequest): Promise<ExecutionRow> {
  const { id, at, version, params } = request;
  const resumed = params.resume && params.retryOf ? await readResumed(tx, params.retryOf, at) : undefined;
  const planning = { ctx, tx, actor, choice: request.choice, resumed };
  const stages = await planFlow(planning, version, request.inputs);
  const done = resumed ? takeOver(stages, resumed) : new Map<string, TakenOver>();
  await demandProofForTargets(ctx, actor, countTargets(stages));
  const row = await insertFlow(tx, flowRows(actor, request, stages, done));
  if (version.spec.approval) await requestApproval(tx, { id, at }, version.spec.approval);
  await writeAudit(ctx, tx, actor, {
    action: "execution.created",
    object: { kind: "execution", id, name: version.jobName },
    after: {
      ...{ jobId: version.jobId, version: version.version, targets: row.targetCount, stages: stages.length },
      ...{ reason: params.reason, trigger: row.triggerKind },
      ...(params.retryOf && { retryOf: params.retryOf.id }),
      ...(params.check && { check: true }),
    },
  });
  if (params.retryOf)
    await insertRetryNote(tx, { of: params.retryOf.id, execution: id, by: actor.name, reason: params.reason });
  ctx.log.info(
    { executionId: id, job: version.jobName, version: version.version, stages: stages.length, at, actor: actor.name },
    "flow.created",
  );
  return row;
}

function flowRows(
  actor: Actor,
  request: FlowRequest,
  planned: PlannedStage[],
  done: ReadonlyMap<string, TakenOver>,
): FlowRows {
  const { id, at, version, inputs, params } = request;
  const total = planned.reduce((sum, stage) => sum + (stage.work?.chosen.length ?? 0), 0);
  const ids = assignmentIds(id, total, randomBytes);
  const assignments: NewFlowAssignment[] = [];
  const stages = planned.map((stage, position) => {
    const own = (stage.work?.chosen ?? []).map((chosen, i) => {
      const finishedAt = chosen.state === "queued" ? null : at;
      return {
        ...chosen,
        id: ids[assignments.length + i]!,
        stageId: stage.id,
        batch: stage.work!.batches.of[i]!,
        finishedAt,
      };
    });
    assignments.push(...own);
    return { ...stageRow(stage, position, countsOf(own), version), ...endOf(done.get(stage.id), at) };
  });
  return {
    ...{ id, createdAt: at, inputs, stages, assignments, counts: countsOf(assignments) },
    targetCount: countTargets(planned),
    jobId: version.jobId,
    jobName: version.jobName,
    jobVersion: version.version,
    definitionSha256: version.sha256,
    ...waitingFor(version.spec, version.jobName, at),
    reason: params.reason,
    triggerKind: params.triggerKind ?? "manual",
    requestedBy: userOf(actor),
    requestedByName: actor.name,
    idempotencyKey: params.idempotencyKey ?? null,
    retryOf: params.retryOf ?? null,
    checkMode: params.check ?? false,
    priority: request.priority,
    deadlineMs: msOf(version.spec.deadline),
  };
}

/** Of a stage that an execution before has done. */
function endOf(taken: TakenOver | undefined, at: Date) {
  if (!taken) return {};
  const { outcome, doneIn } = taken;
  return { state: outcome.state, outcome, doneIn, finishedAt: at, stateReason: `done in #${doneIn.number}` };
}

/** The first state, and what advance-flow.ts looks at before anything begins. */
function waitingFor({ approval, concurrency }: Job, jobName: string, at: Date) {
  return {
    state: approval ? ("awaiting_approval" as const) : ("queued" as const),
    dueAt: approval ? approvalExpiry(approval, at) : new Date(0),
    concurrencyKey: concurrency ? (concurrency.key ?? `job:${jobName}`) : null,
    concurrencyLimit: concurrency?.limit ?? null,
    onConflict: concurrency?.onConflict ?? null,
  };
}

function countsOf(assignments: readonly { state: NewFlowAssignment["state"] }[]): Counts {
  const born = { executionId: "", stageId: "", from: undefined, at: new Date(0) };
  return addTransitions(
    {},
    assignments.map(({ state }) => ({ ...born, to: state })),
  );
}

function stageRow(stage: PlannedStage, position: number, counts: Counts, version: FrozenVersion): NewFlowStage {
  const { id, name, parent, scope, isGroup, needs, condition, names, call, inputs, matrix, work } = stage;
  // A called job's steps, or a stage whose row is not called as in the definition.
  const other = work !== null && (work.version.jobId !== version.jobId || work.stageId !== id);
  return {
    ...{ state: "pending", outcome: null, doneIn: null, finishedAt: null, stateReason: null },
    ...{ stageId: id, name, parent, scope, isGroup, needs, condition, names, call, inputs, matrix, position, counts },
    steps: work ? summariseSteps(work.plan) : [],
    timeoutMs: work?.plan.timeoutMs ?? null,
    jobId: other ? work.version.jobId : null,
    jobVersion: other ? work.version.version : null,
    definitionSha256: other ? `\\x${Buffer.from(work.version.sha256).toString("hex")}` : null,
    planStageId: other ? work.stageId : null,
    rollout: work?.batches.rollout ?? null,
    batches: work?.batches.count ?? 1,
    maxFailures: work?.batches.maxFailures ?? 0,
    startWithinMs: work?.targets.offlineExpiryMs ?? null,
    deadlineMs: stage.deadlineMs,
  };
}
