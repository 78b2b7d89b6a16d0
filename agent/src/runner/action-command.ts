// The command of a step with `uses`: this Node with the program of the actions, under the same supervisor as a script, so
// that an action outlives the agent, is claimed once, stopped and captured like any other try. Used by step-command.ts.
import { resolveParameters } from "@opsconductor/contract/job/actions/check-action";
import type { ExpressionScope } from "@opsconductor/contract/job/expression";
import type { PlannedStep } from "@opsconductor/contract/job/plan-stage";
import { actionProgram } from "../action-program.ts";
import { type ActionRequest, requestFile } from "../actions/action-files.ts";
import type { ResolvedCommand } from "./interpreters.ts";
import type { TryPlace } from "./try-place.ts";

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
  const request: ActionRequest = { uses: run.uses, parameters, check: attempt.offer.check === true, execution };
  const argv = [process.execPath, actionProgram, folder];
  return { command: { argv, script: JSON.stringify(request), scriptName: requestFile }, missing: undefined };
}
