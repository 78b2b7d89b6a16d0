// Reads a definition while it is typed: its problems, or what it would run. A lazy island (it brings the YAML parser,
// the schema and the expression language): the editor's page imports it with import().
import { type JsonSchema, jobJsonSchema } from "@opsconductor/contract/job/job-json-schema";
import type { Job } from "@opsconductor/contract/job/job-schema";
import { parseJob } from "@opsconductor/contract/job/parse-job";
import { type PlannedStep, planStage } from "@opsconductor/contract/job/plan-stage";
import { type JobProblem, problemsOf } from "./job-problems.ts";

export interface JobReading {
  problems: JobProblem[];
  /** Undefined while there are problems. */
  job: Job | undefined;
  steps: PlannedStep[];
}

export function readJob(text: string): JobReading {
  const { job, errors } = parseJob(text);
  return { problems: problemsOf(text, errors), job, steps: (job && planStage(job)?.steps) ?? [] };
}

/** The schema that completion reads. */
export function schemaForEditor(): JsonSchema {
  return jobJsonSchema();
}
