// The steps of a job in the order they may run, with their ids and what their expressions may name. Used by
// check-job.ts and plan-stage.ts, which must agree. Pure.
import type { ExpressionNames } from "./expression.ts";
import { inputExpressionTypes } from "./inputs.ts";
import type { Job, StepSpec } from "./job-schema.ts";

export const phases = ["steps", "onFailure", "finally"] as const;
export type Phase = (typeof phases)[number];

export interface PlacedStep {
  id: string;
  phase: Phase;
  /** Position inside its phase, as in the definition. */
  index: number;
  spec: StepSpec;
  /** Inputs, and the steps before this one. */
  names: ExpressionNames;
}

const prefixes: Record<Phase, string> = { steps: "step", onFailure: "on-failure", finally: "finally" };

export function jobSteps(job: Job): PlacedStep[] {
  const given = new Set(phases.flatMap((phase) => job[phase].map((spec) => spec.id)));
  const inputs = inputExpressionTypes(job.inputs);
  const before: ExpressionNames["steps"] = {};
  const placed: PlacedStep[] = [];
  for (const phase of phases) {
    job[phase].forEach((spec, index) => {
      const id = spec.id ?? freeId(`${prefixes[phase]}-${index + 1}`, given);
      placed.push({ id, phase, index, spec, names: { inputs, steps: { ...before } } });
      before[id] = { outputs: spec.outputs };
    });
  }
  return placed;
}

function freeId(wanted: string, given: ReadonlySet<string | undefined>): string {
  let id = wanted;
  while (given.has(id)) id += "-x";
  return id;
}
