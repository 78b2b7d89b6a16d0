// The command of a step with `uses`: this Node with the program of the actions, under the same supervisor as a script, so
// that an action outlives the agent, is claimed once, stopped and captured like any other try. Used by step-command.ts.
import { resolveParameters } from "@opsconductor/contract/job/actions/check-action";
import type { ExpressionScope } from "@opsconductor/contract/job/expression";
import type { PlannedStep } from "@opsconductor/contract/job/plan-stage";
import { actionProgram } from "../action-program.ts";
import { type ActionRequest, requestFile } from "../actions/action-files.ts";
import { type Made, madeBy } from "../actions/made-before.ts";
import type { Attempt } from "./attempt.ts";
import { stepOf } from "./attempt-progress.ts";
import type { ResolvedCommand } from "./interpreters.ts";
import type { TryPlace } from "./try-place.ts";

/** How the reason of a step begins that a check skips, because nobody knows what it would do. */
export const unknownInCheck = "check mode: ";

/** Throws ExpressionError when a value cannot be had. */
export function actionCommand(
  { attempt, step }: TryPlace,
  folder: string,
  run: PlannedStep["run"] & { kind: "action" },
  scope: ExpressionScope,
): ResolvedCommand {
  const { parameters, problem } = resolveParameters(run.uses, run.with, step.names, scope);
  if (parameters === undefined) return { command: undefined, missing: `${run.uses}: ${problem}` };
  const { executionNumber, executionId } = attempt.offer;
  const execution = { id: executionId, number: Number(executionNumber), job: attempt.job.name };
  const check = attempt.offer.check === true;
  const made = check ? { madeBefore: whatIsMadeBefore(attempt, step.position, scope) } : {};
  const request: ActionRequest = { uses: run.uses, parameters, check, ...made, execution };
  const argv = [process.execPath, actionProgram, folder];
  return { command: { argv, script: JSON.stringify(request), scriptName: requestFile }, missing: undefined };
}

/** By the actions before that have said that they would change something; and who knows what by steps that are skipped. */
function whatIsMadeBefore({ plan, progress }: Attempt, position: number, scope: ExpressionScope): Made[] {
  return plan.steps.flatMap(({ id, position: at, run, names }) => {
    if (at >= position) return [];
    const { state, reason, changed } = stepOf(progress, id);
    if (state === "skipped" && reason.startsWith(unknownInCheck)) return [{ kind: "any" }];
    if (run.kind !== "action" || !changed) return [];
    const { parameters } = resolveParameters(run.uses, run.with, names, scope);
    return parameters === undefined ? [] : madeBy(run.uses, parameters);
  });
}
