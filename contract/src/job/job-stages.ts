// The stages of a job: one called `main` for a job with steps, or those of a workflow, each with what it takes over from
// the job. Used by everything that plans, so that all sides read a stage in the same way. Pure.
import type { Job, StageSpec, StepSpec } from "./job-schema.ts";
import type { LimitsSpec } from "./limits-schema.ts";
import type { RolloutSpec } from "./rollout-schema.ts";
import type { Path } from "./yaml-values.ts";

export const mainStage = "main";

export interface JobStage {
  id: string;
  name: string;
  needs: readonly string[];
  /** As written; undefined: when what it needs went well. */
  condition: string | boolean | undefined;
  targets: Job["targets"];
  rollout: RolloutSpec | undefined;
  matrix: StageSpec["matrix"];
  timeout: string;
  /** Of the stage as a whole; that of a job is the execution's. */
  deadline: string | undefined;
  env: Record<string, string>;
  runAs: string | undefined;
  /** What the stage says itself. */
  limits: LimitsSpec | undefined;
  steps: readonly StepSpec[];
  onFailure: readonly StepSpec[];
  finally: readonly StepSpec[];
  /** Another job instead of steps. */
  call: { job: string; inputs: NonNullable<StageSpec["inputs"]> } | undefined;
  /** Where it stands in the definition. */
  path: Path;
}

/** In the order of the definition. */
export function jobStages(job: Job): JobStage[] {
  if (!job.stages) return [mainOf(job)];
  return Object.entries(job.stages).map(([id, spec]) => stageOf(job, id, spec));
}

export function findStage(job: Job, id: string): JobStage | undefined {
  if (!job.stages) return id === mainStage ? mainOf(job) : undefined;
  return Object.hasOwn(job.stages, id) ? stageOf(job, id, job.stages[id]!) : undefined;
}

/** Everything that must be over before a stage: what it needs, what that needs, and so on. Unknown names are left out. */
export function ancestorsOf(stages: readonly Pick<JobStage, "id" | "needs">[], id: string): string[] {
  const byId = new Map(stages.map((stage) => [stage.id, stage]));
  const found = new Set<string>();
  const visit = (stage: string) => {
    for (const need of byId.get(stage)?.needs ?? []) {
      if (found.has(need) || !byId.has(need)) continue;
      found.add(need);
      visit(need);
    }
  };
  visit(id);
  return stages.map((stage) => stage.id).filter((stage) => found.has(stage));
}

function mainOf(job: Job): JobStage {
  const { targets, rollout, timeout, env, runAs, steps, onFailure } = job;
  const common = { needs: [], condition: undefined, matrix: undefined, call: undefined, deadline: undefined, path: [] };
  return {
    ...common,
    id: mainStage,
    name: job.name,
    targets,
    rollout,
    timeout,
    env,
    runAs,
    limits: undefined,
    steps,
    onFailure,
    finally: job.finally,
  };
}

function stageOf(job: Job, id: string, spec: StageSpec): JobStage {
  return {
    id,
    name: spec.name ?? id,
    needs: spec.needs,
    condition: spec.if,
    targets: spec.targets ?? job.targets,
    rollout: spec.rollout ?? job.rollout,
    matrix: spec.matrix,
    timeout: spec.timeout ?? job.timeout,
    deadline: spec.deadline,
    env: { ...job.env, ...spec.env },
    runAs: spec.runAs ?? job.runAs,
    limits: spec.limits,
    steps: spec.steps ?? [],
    onFailure: spec.onFailure,
    finally: spec.finally,
    call: spec.job === undefined ? undefined : { job: spec.job, inputs: spec.inputs ?? {} },
    path: ["stages", id],
  };
}
