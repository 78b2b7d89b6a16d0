// Whether the targets of a job or a stage can be read. Used by check-job.ts and check-stages.ts. Pure.
import type { JobError } from "./check-parts.ts";
import type { Job } from "./job-schema.ts";
import { parseSelector } from "./selector.ts";
import { SelectorError } from "./selector-tokens.ts";
import { templateOpening } from "./template.ts";
import type { Path } from "./yaml-values.ts";

export function checkTargets(targets: Job["targets"], path: Path): JobError[] {
  if (!targets) return [];
  if (targets.select === undefined && targets.names === undefined) {
    return [{ path, message: "targets needs select or names", atKey: true }];
  }
  if (targets.select !== undefined && targets.names !== undefined) {
    return [{ path: [...path, "names"], message: "targets takes select or names, not both", atKey: true }];
  }
  // With a value of the matrix in it, it can be read when the value is known.
  if (targets.select === undefined || targets.select.includes(templateOpening)) return [];
  try {
    parseSelector(targets.select);
    return [];
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error;
    const message = `the selector cannot be read: ${error.message}`;
    return [{ path: [...path, "select"], message, offset: error.offset }];
  }
}
