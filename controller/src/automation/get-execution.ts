// One execution whole: its stages, the definition it is bound to, how many of its hosts are out of reach. Called by GET
// executions/{id}.
import type { executionDetail } from "@opsconductor/contract/api/executions";
import { OcError } from "@opsconductor/contract/errors";
import type { Permission } from "@opsconductor/contract/permissions";
import type { z } from "zod";
import type { Actor, Context, Query } from "../context.ts";
import { reachesAssignments } from "../identity/demand-on.ts";
import { mayRun } from "../identity/locked-inputs.ts";
import { assignmentIdRange } from "./assignment-ids.ts";
import type { ExecutionRow } from "./execution-queries.ts";
import { countWaiting, type Waiting } from "./limit-queries.ts";
import { approvalProblem } from "./missing-approvers.ts";
import { loadDefinition } from "./offer-message.ts";
import { iso, presentExecution } from "./present-execution.ts";
import { countUnreachable, ofExecution, type StageRow, selectExecution, selectStages } from "./read-queries.ts";

export async function getExecution(
  ctx: Context,
  actor: Actor,
  idOrNumber: string,
): Promise<z.infer<typeof executionDetail>> {
  const row = await findExecution(ctx.sql, actor, idOrNumber);
  const [stages, unreachable, waiting, canCancel, { definition }, problem] = await Promise.all([
    selectStages(ctx.sql, row.id),
    row.finishedAt === null ? countUnreachable(ctx.sql, row.id) : 0,
    row.finishedAt === null && row.counts.queued ? countWaiting(ctx.sql, ofExecution(ctx.sql, row.id)) : nothingWaits,
    mayCancel(ctx.sql, actor, row),
    loadDefinition(ctx.sql, ctx.automation.dispatcher.definitions, row.jobId, row.jobVersion),
    approvalProblem(ctx.sql, row),
  ]);
  return {
    ...presentExecution(row),
    stages: stages.map(presentStage),
    definition: Buffer.from(definition).toString("utf8"),
    definitionSha256: Buffer.from(row.definitionSha256).toString("hex"),
    unreachable,
    waiting,
    canRun: mayRun(actor, row.jobId),
    canCancel,
    approvalProblem: problem,
  };
}

/** As cancel-execution.ts and pause-execution.ts ask it. */
async function mayCancel(sql: Query, actor: Actor, { id, finishedAt }: ExecutionRow): Promise<boolean> {
  const permission = "executions:cancel";
  if (finishedAt !== null || !(await selectExecution(sql, actor, id, permission))) return false;
  return reachesAssignments(sql, actor, { permission, executionId: id, range: assignmentIdRange(id) });
}

const nothingWaits: Waiting = { agent: 0, fleet: 0, fleetLimit: null, away: 0 };

/** By id or number, or not_found; `permission` is what the actor wants to do with it. */
export async function findExecution(
  q: Query,
  actor: Actor,
  idOrNumber: string,
  permission: Permission = "executions:read",
): Promise<ExecutionRow> {
  const row = await selectExecution(q, actor, idOrNumber, permission);
  if (!row) throw new OcError("not_found", `There is no execution ${idOrNumber}: look for it under Executions.`);
  return row;
}

function presentRollout(
  { batches, batch, nextBatchAt, maxFailures, stopped }: StageRow,
  { stepFirst }: { stepFirst: boolean },
) {
  const order = stepFirst ? ("step-first" as const) : ("target-first" as const);
  return { batches, batch: batch + 1, nextBatchAt: iso(nextBatchAt), maxFailures, stopped, order };
}

function presentStage(row: StageRow): z.infer<typeof executionDetail>["stages"][number] {
  return {
    id: row.stageId,
    position: row.position,
    state: row.state,
    name: row.name ?? row.stageId,
    needs: row.needs,
    parent: row.parent,
    isGroup: row.isGroup,
    stateReason: row.stateReason,
    doneIn: row.doneIn,
    deadlineAt: iso(row.deadlineAt),
    counts: row.counts,
    jobName: row.jobName,
    inputs: row.inputs,
    rollout: row.rollout && presentRollout(row, row.rollout),
    steps: row.steps,
    startedAt: iso(row.startedAt),
    finishedAt: iso(row.finishedAt),
  };
}
