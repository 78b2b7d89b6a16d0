// The steps of a stage in the order they may run, with their ids and what their expressions may name. Used by
// check-job.ts and plan-stage.ts, which must agree. Pure.
import type { ExpressionNames } from "./expression.ts";
import { inputExpressionTypes } from "./inputs.ts";
import type { Job, StepSpec } from "./job-schema.ts";
import { ancestorsOf, findStage, type JobStage, jobStages, mainStage } from "./job-stages.ts";
import type { Path } from "./yaml-values.ts";

export const phases = ["steps", "onFailure", "finally"] as const;
export type Phase = (typeof phases)[number];

export interface PlacedStep {
  id: string;
  phase: Phase;
  /** Position inside its phase, as in the definition. */
  index: number;
  spec: StepSpec;
  /** Inputs, and the steps and stages before this one. */
  names: ExpressionNames;
  /** Where it stands in the definition. */
  path: Path;
}

const prefixes: Record<Phase, string> = { steps: "step", onFailure: "on-failure", finally: "finally" };

/** Of a job's only stage unless told; none when the job has no such stage. */
export function jobSteps(job: Job, stageId: string = mainStage): PlacedStep[] {
  const stage = findStage(job, stageId);
  return stage ? stageSteps(job, stage) : [];
}

export function stageSteps(job: Job, stage: JobStage): PlacedStep[] {
  const given = new Set(phases.flatMap((phase) => stage[phase].map((spec) => spec.id)));
  const outer = stageNames(job, stage);
  const before: ExpressionNames["steps"] = {};
  const placed: PlacedStep[] = [];
  for (const phase of phases) {
    stage[phase].forEach((spec, index) => {
      const id = spec.id ?? freeId(`${prefixes[phase]}-${index + 1}`, given);
      const names = { ...outer, place: undefined, steps: { ...before } };
      placed.push({ id, phase, index, spec, names, path: [...stage.path, phase, index] });
      before[id] = { outputs: spec.outputs };
    });
  }
  return placed;
}

/** What the expressions of the stage itself may name: its `if`, and the inputs it gives to another job. */
export function stageNames(job: Job, stage: Pick<JobStage, "id" | "matrix">): ExpressionNames {
  return {
    inputs: inputExpressionTypes(job.inputs),
    steps: {},
    ...(job.stages ? { stages: ancestorsOf(jobStages(job), stage.id) } : {}),
    ...(stage.matrix ? { matrix: Object.keys(stage.matrix) } : {}),
    place: "stage",
  };
}

function freeId(wanted: string, given: ReadonlySet<string | undefined>): string {
  let id = wanted;
  while (given.has(id)) id += "-x";
  return id;
}
