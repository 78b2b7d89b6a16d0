// The stages that an execution must have, as the documentation says: called workflows and matrices unfolded, targets dealt
// out to batches. Written without a look at how the product does it; what the checker compares its rows with. Pure.
import type { FlowSpec, RolloutSpec, StageSpec } from "./flow-plan.ts";
import type { ExecutionPlan, JobPlan } from "./workload.ts";

export interface PlannedStage {
  id: string;
  parent: string | null;
  /** Of stages: a matrix, or a workflow that is called. */
  isGroup: boolean;
  /** Ids of rows. */
  needs: readonly string[];
  /** All that are before it, directly or not, in its own job. */
  before: readonly string[];
  condition: StageSpec["condition"];
  /** What its steps are given: the token of this row; undefined: none. */
  reads: string | undefined;
  item: string | undefined;
  /** Of a stage with steps: they are in `job`. */
  targets: string[];
  job: JobPlan;
  rollout: RolloutSpec | undefined;
}

export const mainStage = "main";

export function unfoldPlan(plan: ExecutionPlan): PlannedStage[] {
  return unfold(plan.job, { scope: "", parent: null, reads: undefined, targets: plan.targets });
}

interface Place {
  scope: string;
  parent: string | null;
  /** Of the stage that calls. */
  reads: string | undefined;
  targets: string[];
}

function unfold(job: JobPlan, place: Place): PlannedStage[] {
  if (!job.flow?.stages) return [{ ...leafOf(job, place.targets, job.flow ?? {}), id: mainStage, ...base(place) }];
  return job.flow.stages.flatMap((stage) => unfoldStage(job.flow!, stage, place));
}

const base = ({ parent, reads }: Place) =>
  ({ parent, reads, needs: [], before: [], condition: "success()", item: undefined }) as const;
const leafOf = (job: JobPlan, targets: string[], { rollout }: Pick<FlowSpec, "rollout">) =>
  ({ job, rollout, targets: [...targets].sort(), isGroup: false }) as const;

function unfoldStage(flow: FlowSpec, stage: StageSpec, place: Place): PlannedStage[] {
  const { id, needs, condition, job, calls, matrix, targets = place.targets } = stage;
  const inScope = (name: string) => place.scope + name;
  const row = {
    ...{ id: inScope(id), parent: place.parent, condition, needs: needs.map(inScope), item: undefined },
    before: ancestorsOf(flow.stages!, id).map(inScope),
    reads: stage.reads === undefined ? place.reads : inScope(stage.reads),
  };
  const group = { ...row, isGroup: true, targets: [], job, rollout: undefined };
  if (matrix) {
    const part = { ...row, parent: row.id, needs: [], before: [], condition: "always()" } as const;
    const parts = matrix.map((item, i) => ({
      ...part,
      ...leafOf(job, targets, stage),
      id: `${row.id}/${i + 1}`,
      item,
    }));
    return [group, ...parts];
  }
  if (!calls) return [{ ...row, ...leafOf(job, targets, { rollout: stage.rollout ?? flow.rollout }) }];
  if (!job.flow?.stages) return [{ ...row, ...leafOf(job, targets, job.flow ?? {}) }];
  return [group, ...unfold(job, { scope: `${row.id}/`, parent: row.id, reads: row.reads, targets: place.targets })];
}

function ancestorsOf(stages: StageSpec[], id: string): string[] {
  const found = new Set(stages.find((stage) => stage.id === id)!.needs);
  for (const one of found) for (const need of stages.find((stage) => stage.id === one)!.needs) found.add(need);
  return [...found];
}

/** The batch of each target: they go in the order of their names, the canary first. */
export function dealtBatches(total: number, rollout: RolloutSpec | undefined): number[] {
  if (!rollout) return Array.from({ length: total }, () => 0);
  const canary = rollout.canary === undefined ? 0 : Math.min(total, share(rollout.canary, total, Math.ceil));
  const batch = Math.max(1, share(rollout.batch, total, Math.ceil));
  return Array.from({ length: total }, (_, at) =>
    at < canary ? 0 : (canary > 0 ? 1 : 0) + Math.floor((at - canary) / batch),
  );
}

/** How many of `total` targets may go wrong. */
export const budgetOf = ({ maxFailures }: RolloutSpec, total: number): number => share(maxFailures, total, Math.floor);

function share(value: number | string, total: number, round: (n: number) => number): number {
  return typeof value === "number" ? value : round((Number(value.slice(0, -1)) * total) / 100);
}
