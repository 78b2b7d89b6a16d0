// Reads a definition while it is typed: its problems, or what it would run. A lazy island (it brings the YAML parser,
// the schema and the expression language): the editor's page imports it with import().
import { jobJsonSchema } from "@opsconductor/contract/job/job-json-schema";
import type { Job } from "@opsconductor/contract/job/job-schema";
import { type JobStage, jobStages } from "@opsconductor/contract/job/job-stages";
import { parseJob } from "@opsconductor/contract/job/parse-job";
import { type PlannedStep, planStage } from "@opsconductor/contract/job/plan-stage";
import type { JsonSchema } from "@opsconductor/contract/job/to-json-schema";
import { type JobNames, jobNames } from "./job-names.ts";
import { type JobProblem, problemsOf } from "./job-problems.ts";

export interface JobReading {
  problems: JobProblem[];
  /** Undefined while there are problems. */
  job: Job | undefined;
  /** One for a job with steps; those of a workflow as they are written. */
  stages: PlannedStage[];
  /** Undefined while the text is no mapping. */
  names: JobNames | undefined;
}

export interface PlannedStage extends Pick<JobStage, "id" | "name" | "needs" | "condition" | "targets" | "call"> {
  /** None when another job is called. */
  plan: PlannedStep[];
}

export function readJob(text: string): JobReading {
  const { job, errors } = parseJob(text);
  return { problems: problemsOf(text, errors), job, stages: job ? stagesOf(job) : [], names: jobNames(text) };
}

/** The schema that completion reads. */
export function schemaForEditor(): JsonSchema {
  return jobJsonSchema();
}

function stagesOf(job: Job): PlannedStage[] {
  return jobStages(job).map((stage) => ({
    ...stage,
    // The job that is called has a say before what is written around the stage.
    targets: stage.call ? job.stages?.[stage.id]?.targets : stage.targets,
    plan: planStage(job, stage.id)?.steps ?? [],
  }));
}
