// Inserts an execution with its stages and assignments, none of which may be offered yet. Called by create-flow.ts.
import type { StageOutcome } from "@opsconductor/contract/job/expression";
import type { StepSummary } from "@opsconductor/contract/job/plan-stage";
import type { AssignmentState, StageState } from "@opsconductor/contract/states";
import type { Query } from "../context.ts";
import { jsonb } from "../jsonb.ts";
import { type ExecutionRow, executionColumns } from "./execution-queries.ts";
import type { Counts } from "./execution-state.ts";
import type { FlowStage } from "./flow-state.ts";
import type { PlannedStage } from "./plan-flow.ts";
import type { ExecutionName } from "./resume-flow.ts";

export interface NewFlowStage extends Omit<PlannedStage, "id" | "work"> {
  stageId: string;
  /** Pending, or over when an execution before has done it. */
  state: StageState;
  outcome: StageOutcome | null;
  /** The execution that has done it. */
  doneIn: ExecutionName | null;
  finishedAt: Date | null;
  stateReason: string | null;
  position: number;
  steps: StepSummary[];
  counts: Counts;
  timeoutMs: number | null;
  jobId: string | null;
  jobVersion: number | null;
  /** As PostgreSQL writes bytes. */
  definitionSha256: string | null;
  planStageId: string | null;
  rollout: FlowStage["rollout"];
  batches: number;
  maxFailures: number;
  startWithinMs: number | null;
}

export interface NewFlowAssignment {
  id: string;
  stageId: string;
  targetId: string;
  targetName: string;
  agentId: string | null;
  batch: number;
  state: AssignmentState;
  stateReason: string | null;
  finishedAt: Date | null;
}

export interface FlowRows {
  id: string;
  jobId: string;
  jobName: string;
  jobVersion: number;
  definitionSha256: Uint8Array;
  inputs: Record<string, unknown>;
  reason: string;
  triggerKind: string;
  requestedBy: string | null;
  requestedByName: string;
  idempotencyKey: string | null;
  retryOf: { id: string; number: number } | null;
  createdAt: Date;
  state: "queued" | "awaiting_approval";
  dueAt: Date;
  concurrencyKey: string | null;
  concurrencyLimit: number | null;
  onConflict: string | null;
  checkMode: boolean;
  priority: number;
  deadlineMs: number | null;
  counts: Counts;
  targetCount: number;
  stages: NewFlowStage[];
  assignments: NewFlowAssignment[];
}

/** Due at once: the commit is the whole hand-over to advance-flow.ts. */
export async function insertFlow(q: Query, row: FlowRows): Promise<ExecutionRow> {
  await q`
    insert into automation.stages (execution_id, stage_id, position, state, needs, steps, counts, timeout_ms, name, parent,
      scope, is_group, condition, names, call, inputs, matrix, job_id, job_version, definition_sha256, plan_stage_id,
      rollout, batches, max_failures, start_within_ms, outcome, done_in, finished_at, state_reason, deadline_ms)
    select ${row.id}, "stageId", position, state, array(select jsonb_array_elements_text(needs)), steps, counts,
      "timeoutMs", name, parent, scope, "isGroup", condition, names, call, inputs, matrix, "jobId", "jobVersion",
      "definitionSha256", "planStageId", rollout, batches, "maxFailures", "startWithinMs", outcome, "doneIn", "finishedAt", "stateReason", "deadlineMs"
    from jsonb_to_recordset(${jsonb(q, row.stages)}) as r("stageId" text, state text, outcome jsonb, "doneIn" jsonb,
      "finishedAt" timestamptz, "stateReason" text, position integer, needs jsonb, steps jsonb,
      counts jsonb, "timeoutMs" bigint, name text, parent text, scope text, "isGroup" boolean, condition text, names jsonb,
      call jsonb, inputs jsonb, matrix jsonb, "jobId" uuid, "jobVersion" integer, "definitionSha256" bytea,
      "planStageId" text, rollout jsonb, batches integer, "maxFailures" integer, "startWithinMs" bigint, "deadlineMs" bigint)`;
  await q`
    insert into automation.assignments (id, execution_id, stage_id, target_id, target_name, agent_id, batch, released,
      state, state_reason, created_at, finished_at, priority)
    select id, ${row.id}, "stageId", "targetId", "targetName", "agentId", batch, false, state, "stateReason",
      ${row.createdAt}, "finishedAt", ${row.priority}
    from jsonb_to_recordset(${jsonb(q, row.assignments)}) as r(id uuid, "stageId" text, "targetId" uuid,
      "targetName" text, "agentId" uuid, batch integer, state text, "stateReason" text, "finishedAt" timestamptz)`;
  const [inserted] = await q<[ExecutionRow]>`
    insert into automation.executions as e
      (id, number, job_id, job_name, job_version, definition_sha256, state, inputs, reason, trigger_kind, requested_by,
       requested_by_name, idempotency_key, target_count, counts, created_at, retry_of, retry_of_number, check_mode, orchestrated, due_at,
       concurrency_key, concurrency_limit, on_conflict, priority, deadline_ms)
    values (${row.id}, nextval('automation.execution_number'), ${row.jobId}, ${row.jobName}, ${row.jobVersion},
      ${Buffer.from(row.definitionSha256)}, ${row.state}, ${jsonb(q, row.inputs)}, ${row.reason}, ${row.triggerKind},
      ${row.requestedBy}, ${row.requestedByName}, ${row.idempotencyKey}, ${row.targetCount},
      ${jsonb(q, row.counts)}, ${row.createdAt}, ${row.retryOf?.id ?? null}, ${row.retryOf?.number ?? null}, ${row.checkMode}, true, ${row.dueAt},
      ${row.concurrencyKey}, ${row.concurrencyLimit}, ${row.onConflict}, ${row.priority}, ${row.deadlineMs})
    returning ${executionColumns(q)}`;
  return inserted;
}
