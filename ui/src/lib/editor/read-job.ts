// Reads a definition while it is typed: its problems, or what it would run. A lazy island (it brings the YAML parser,
// the schema and the expression language): the editor's page imports it with import().
import { jobJsonSchema } from "@opsconductor/contract/job/job-json-schema";
import type { Job } from "@opsconductor/contract/job/job-schema";
import { jobStages } from "@opsconductor/contract/job/job-stages";
import { parseJob } from "@opsconductor/contract/job/parse-job";
import { type PlannedStep, planStage } from "@opsconductor/contract/job/plan-stage";
import type { JsonSchema } from "@opsconductor/contract/job/to-json-schema";
import { type JobNames, jobNames } from "./job-names.ts";
import { type JobProblem, problemsOf } from "./job-problems.ts";

export interface JobReading {
  problems: JobProblem[];
  /** Undefined while there are problems. */
  job: Job | undefined;
  steps: PlannedStep[];
  /** Undefined while the text is no mapping. */
  names: JobNames | undefined;
}

export function readJob(text: string): JobReading {
  const { job, errors } = parseJob(text);
  return { problems: problemsOf(text, errors), job, steps: job ? stepsOf(job) : [], names: jobNames(text) };
}

/** The schema that completion reads. */
export function schemaForEditor(): JsonSchema {
  return jobJsonSchema();
}

/** Of all stages; in a workflow each says which one it belongs to. */
function stepsOf(job: Job): PlannedStep[] {
  return jobStages(job).flatMap((stage) => {
    const steps = planStage(job, stage.id)?.steps ?? [];
    return job.stages
      ? steps.map((step) => ({ ...step, id: `${stage.id}/${step.id}`, name: `${stage.name}: ${step.name}` }))
      : steps;
  });
}
