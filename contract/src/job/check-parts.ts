// What the checks of a job share: an error with its place, and the check of a condition. Used by check-job.ts and
// check-stages.ts. Pure.
import { checkExpression, type ExpressionNames, type ExpressionProblem } from "./expression.ts";
import type { PlacedError } from "./schema-errors.ts";
import { bareCondition } from "./template.ts";
import type { Path } from "./yaml-values.ts";

/** An error that may point inside a text. */
export interface JobError extends PlacedError {
  offset?: number;
}

export function placed(problem: ExpressionProblem | undefined, path: Path): JobError[] {
  return problem ? [{ path, ...problem }] : [];
}

export function checkConditionText(
  condition: string | boolean | undefined,
  names: ExpressionNames,
  path: Path,
): JobError[] {
  if (typeof condition !== "string") return [];
  const bare = bareCondition(condition);
  const shift = Math.max(0, condition.indexOf(bare));
  if (bare === "") return [{ path, message: "the condition is empty" }];
  const problem = checkExpression(bare, names, "bool");
  return placed(problem && { ...problem, offset: problem.offset + shift }, path);
}
