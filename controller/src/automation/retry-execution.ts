// Repeats an execution on the targets that ended badly, or goes on with all that have not succeeded: a new execution of the
// same version with the same inputs, so that what was recorded stays as it is and a late result of the old attempt can never mix with the new one. A target that is
// lost may still have done its work; unless every step says that it is idempotent, a person must say that it may run a
// second time. Called by POST executions/{id}/retry-failed.
import type { Execution, retryRequest } from "@opsconductor/contract/api/executions";
import { OcError } from "@opsconductor/contract/errors";
import { planStage } from "@opsconductor/contract/job/plan-stage";
import {
  type AssignmentState,
  assignmentStates,
  type ExecutionState,
  executionStates,
  isTerminal,
} from "@opsconductor/contract/states";
import type { z } from "zod";
import type { Actor, Context } from "../context.ts";
import { createExecution } from "./create-execution.ts";
import type { ExecutionRow } from "./execution-queries.ts";
import { findExecution } from "./get-execution.ts";
import { noSuchJob } from "./get-job.ts";
import { type RunnableVersion, selectRunnable } from "./job-queries.ts";
import { wordOfPriority } from "./priorities.ts";
import { publishTimelines } from "./publish-changes.ts";
import { type RetriableAssignment, selectRetriable } from "./retry-queries.ts";

const badStates: readonly AssignmentState[] = ["failed", "timed_out", "lost", "denied", "expired"];
/** Also what a spent failure budget, a cancel or a deadline kept from beginning or from its end. */
const restStates: readonly AssignmentState[] = [...badStates, "cancelled", "skipped"];
/** A workflow that ended so may have stages that never began. */
const wentWrong: readonly ExecutionState[] = ["failed", "partial", "timed_out", "cancelled"];

type Params = Omit<z.infer<typeof retryRequest>, "take"> & {
  take?: z.infer<typeof retryRequest>["take"];
  execution: string;
  idempotencyKey?: string | undefined;
};

export async function retryExecution(ctx: Context, actor: Actor, params: Params): Promise<Execution> {
  const row = await findExecution(ctx.sql, actor, params.execution);
  const version = await selectRunnable(ctx.sql, actor, row.jobId, row.jobVersion);
  if (!version) throw noSuchJob(row.jobName);
  const isWorkflow = version.spec.stages !== undefined;
  if (isWorkflow || params.take === "rest") refuseUnresumable(row, params.assignments, isWorkflow);
  const chosen = await selectRetriable(ctx.sql, actor, row.id, {
    ids: params.assignments,
    // What a cancel or a deadline kept from beginning is part of what a workflow goes on with.
    states: params.take === "rest" ? restStates : isWorkflow ? [...badStates, "cancelled"] : badStates,
  });
  refuseUnfit(chosen, params, isWorkflow && wentWrong.includes(row.state));
  if (!params.repeatLost) refuseUnsure(chosen, version);
  const created = await createExecution(ctx, actor, {
    job: row.jobId,
    version: row.jobVersion,
    inputs: row.inputs,
    ...(isWorkflow ? { resume: true } : { targets: { names: chosen.map((a) => a.currentName!) } }),
    reason: params.reason,
    check: row.checkMode,
    priority: wordOfPriority(row.priority),
    triggerKind: "retry",
    retryOf: { id: row.id, number: Number(row.number) },
    idempotencyKey: params.idempotencyKey,
  }).catch(refuseUnreached);
  publishTimelines(ctx, [row.id]);
  return created;
}

function refuseUnfit(
  chosen: readonly RetriableAssignment[],
  { assignments: asked, take }: Pick<Params, "assignments" | "take">,
  isUnfinished: boolean,
): void {
  if (asked !== undefined && chosen.length < new Set(asked).size)
    throw new OcError("unprocessable", "Some of these assignments do not belong to the execution: read them again.");
  if (chosen.length === 0 && !isUnfinished)
    throw new OcError(
      "failed_precondition",
      take === "rest"
        ? "Every target of this execution has succeeded: nothing is left to go on with."
        : 'No target of this execution ended badly: there is nothing to retry. With take: "rest" it goes on with what never began.',
    );
  const open = chosen.find((a) => !isTerminal(assignmentStates, a.state));
  if (open)
    throw new OcError(
      "failed_precondition",
      `${open.targetName} has not ended (${open.state}): wait for it, cancel it, or declare it lost first.`,
    );
  const gone = chosen.filter((a) => a.currentName === null).map((a) => a.targetName);
  if (gone.length > 0)
    throw new OcError("failed_precondition", `${gone.slice(0, 5).join(", ")} was deleted: choose the other targets.`);
}

/** Whoever may read an execution may see names of then, and not what targets beyond their reach are called now. */
function refuseUnreached(cause: unknown): never {
  if (!(cause instanceof OcError) || !cause.errors?.some(({ path }) => path === "names")) throw cause;
  throw new OcError("unprocessable", "You may not run jobs on some of these targets: choose those that you may.", {
    cause,
  });
}

function refuseUnresumable(row: ExecutionRow, asked: readonly string[] | undefined, isWorkflow: boolean): void {
  if (asked !== undefined)
    throw new OcError(
      "failed_precondition",
      isWorkflow
        ? "A workflow goes on from its failed stages: retry it without choosing targets."
        : 'take: "rest" is all that have not succeeded: give it, or assignments, and not both.',
    );
  if (!isTerminal(executionStates, row.state))
    throw new OcError(
      "failed_precondition",
      `Execution ${row.number} has not ended (${row.state}): wait for it, or cancel it first.`,
    );
}

function refuseUnsure(chosen: readonly RetriableAssignment[], { spec }: RunnableVersion): void {
  const lost = chosen.filter((a) => a.state === "lost");
  if (lost.length === 0) return;
  // Steps of a workflow may come from other jobs: a person looks at them.
  if (planStage(spec)?.steps.every((step) => step.idempotent)) return;
  const names = lost.slice(0, 5).map((a) => a.targetName);
  throw new OcError(
    "failed_precondition",
    `It is not known whether the steps ran on ${names.join(", ")}${lost.length > 5 ? ` and ${lost.length - 5} more` : ""}, ` +
      "and not every step says that it is idempotent. Look at the host first; then retry with repeatLost, or without these targets.",
  );
}
