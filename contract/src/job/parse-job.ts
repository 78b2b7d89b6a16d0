// The text of a job to its parsed form, or to errors with line and column. The controller calls it on every save, the
// agent on every offer (so that what a person signed is what runs), the console while typing. Pure.
import type { FieldError } from "../errors.ts";
import { checkJob, checkTemplatePlaces } from "./check-job.ts";
import type { JobError } from "./check-parts.ts";
import { checkRest } from "./check-rest.ts";
import { type Job, jobSchema } from "./job-schema.ts";
import { type Issue, schemaErrors } from "./schema-errors.ts";
import { readYaml, type YamlDocument } from "./yaml-document.ts";

/** A broken file of a thousand steps needs no thousand messages. */
const maxErrors = 50;

export type ParsedJob = { job: Job; errors: [] } | { job: undefined; errors: FieldError[] };

/** YAML or JSON, at most 1 MiB, one job. Never throws for what the text says. */
export function parseJob(text: string): ParsedJob {
  const document = readYaml(text);
  if (document.errors.length > 0) return refuse(document.errors);
  const misplaced = checkTemplatePlaces(document.value);
  const parsed = jobSchema.safeParse(document.value);
  const errors = parsed.success ? checkJob(parsed.data) : everyError(parsed.error.issues, document.value);
  const all = [...misplaced, ...errors].map((error) => toFieldError(error, document));
  if (all.length > 0 || !parsed.success) return refuse(all);
  return { job: parsed.data, errors: [] };
}

/** What has the wrong shape, and what does not agree in the rest: all mistakes are told at once. */
function everyError(issues: readonly Issue[], value: unknown): JobError[] {
  return [...schemaErrors(issues, value), ...checkRest(issues, value)];
}

function refuse(errors: FieldError[]): ParsedJob {
  const place = (error: FieldError) => (error.line ?? 0) * 1e6 + (error.column ?? 0);
  return { job: undefined, errors: errors.toSorted((a, b) => place(a) - place(b)).slice(0, maxErrors) };
}

function toFieldError(error: JobError, document: YamlDocument): FieldError {
  const place = document.locate(error.path, { key: error.atKey, offset: error.offset });
  return {
    path: error.path.join("."),
    message: error.message,
    ...place,
    ...(error.suggestion === undefined ? {} : { suggestion: error.suggestion }),
  };
}
