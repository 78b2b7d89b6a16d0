// What an execution would do, without making it: whether it would run at all, its stages, the exact targets of each and
// who of them is away, its batches. Decided by the same code that makes executions. Called by POST jobs/{idOrName}/plan.
import type { ExecutionPlan, executeRequest } from "@opsconductor/contract/api/jobs";
import { OcError } from "@opsconductor/contract/errors";
import type { z } from "zod";
import type { Actor, Context } from "../context.ts";
import { reachToExecute } from "../identity/reach-to-execute.ts";
import { countTargets } from "./count-targets.ts";
import { readRequest } from "./create-execution.ts";
import { unsaved } from "./draft-flow.ts";
import { missingApprovers } from "./missing-approvers.ts";
import { type FrozenVersion, type PlannedStage, planFlow } from "./plan-flow.ts";
import { userOf } from "./save-job.ts";

type Params = z.infer<typeof executeRequest> & { job: string };

const shownTargets = 200;

export async function planExecution(ctx: Context, actor: Actor, params: Params): Promise<ExecutionPlan> {
  const { version, inputs, actor: fitting } = await readRequest(ctx, actor, params);
  const { limited, byJob } = reachToExecute(fitting, version.jobId);
  const about = { jobName: version.jobName, jobVersion: version.version, limited: limited && !byJob };
  try {
    const choice = params.targets;
    const stages = await ctx.sql.begin((tx) => planFlow({ ctx, tx, actor, choice }, version, inputs));
    const approval = await planApproval(ctx, actor, version, stages);
    const presented = stages.map(presentStage);
    return { ...about, wouldRun: true, problem: null, approval, targetCount: countTargets(stages), stages: presented };
  } catch (error) {
    // It would be refused, and why: that is the answer.
    if (!(error instanceof OcError) || !["failed_precondition", "unprocessable"].includes(error.code)) throw error;
    return { ...about, wouldRun: false, problem: error.message, approval: null, targetCount: 0, stages: [] };
  }
}

/** Who has to agree first, and whether there are enough who can. */
async function planApproval(
  ctx: Context,
  actor: Actor,
  { jobId, spec: { approval: rule } }: FrozenVersion,
  stages: readonly PlannedStage[],
): Promise<ExecutionPlan["approval"]> {
  if (!rule) return null;
  const ids = () => [...new Set(stages.flatMap(({ work }) => work?.chosen.map((c) => c.targetId) ?? []))];
  const targetIds = async () => ids();
  const problem = await missingApprovers(ctx.sql, { rule, requestedBy: userOf(actor), jobId, targetIds });
  return { required: rule.required, by: rule.by ?? null, notRequester: rule.notRequester, problem };
}

export function presentStage(stage: PlannedStage): ExecutionPlan["stages"][number] {
  const { id, name, parent, isGroup, needs, condition, inputs, matrix, work } = stage;
  return {
    ...{ id, name, parent, isGroup, needs, inputs, matrix },
    condition: condition === "success()" ? null : condition,
    job:
      work && work.version.version !== unsaved ? { name: work.version.jobName, version: work.version.version } : null,
    steps: work?.plan.steps.map((step) => ({ id: step.id, name: step.name, phase: step.phase })) ?? [],
    targets: work && presentTargets(work.chosen, work.targets.max),
    rollout: work?.batches.rollout
      ? {
          batches: work.batches.sizes,
          maxFailures: work.batches.maxFailures,
          pauseMs: work.batches.rollout.pauseMs,
          order: work.batches.rollout.stepFirst ? "step-first" : "target-first",
        }
      : null,
  };
}

type Chosen = NonNullable<PlannedStage["work"]>["chosen"];

function presentTargets(chosen: Chosen, max: number | undefined) {
  return {
    count: chosen.length,
    offline: chosen.filter((c) => !c.isOnline).length,
    leftOut: chosen.filter((c) => c.state !== "queued").length,
    max: max ?? null,
    items: chosen.slice(0, shownTargets).map((c) => ({ id: c.targetId, name: c.targetName, isOnline: c.isOnline })),
  };
}
