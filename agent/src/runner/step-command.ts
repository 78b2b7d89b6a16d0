// What one try executes: expressions expanded, environment complete, interpreter found. Called right before each start.
import { ExpressionError, type ExpressionScope } from "@opsconductor/contract/job/expression";
import { inputEnvironment } from "@opsconductor/contract/job/inputs";
import type { StepVariable } from "@opsconductor/contract/job/step-variables";
import { interpolate } from "@opsconductor/contract/job/template";
import { accountEnvironment, withoutDangerous } from "../guard/clean-environment.ts";
import type { Account } from "../process/account.ts";
import { actionCommand } from "./action-command.ts";
import type { Attempt } from "./attempt.ts";
import { outcomeSoFar } from "./attempt-outcome.ts";
import { stepOf } from "./attempt-progress.ts";
import type { HostContext } from "./host-context.ts";
import { type Command, type ResolvedCommand, resolveCommand } from "./interpreters.ts";
import type { TryPlace } from "./try-place.ts";
import { ownRoom, type TryRoom } from "./user-room.ts";

export interface StepCommand extends Command {
  env: Record<string, string>;
}

/** Linux passes no longer one to a program (MAX_ARG_STRLEN). */
const longestBytes = 128 * 1024;

export type PreparedCommand =
  | { command: StepCommand; problem: undefined }
  /** `unknownValue`: an expression has no value here, so that nobody can tell what would be started. */
  | { command: undefined; problem: string; unknownValue?: boolean };

/** A problem is for people: the step fails with it before anything starts. No account: the agent's own user runs it. */
export function stepCommand(
  host: HostContext,
  place: TryPlace,
  room = ownRoom(place),
  account?: Account,
): PreparedCommand {
  const { attempt, step } = place;
  const scope = expressionScope(attempt, step.names.steps);
  try {
    const expand = (template: string) => interpolate(template, step.names, scope);
    const own = Object.fromEntries(Object.entries(step.env).map(([name, value]) => [name, expand(value)]));
    const env = withoutDangerous({
      ...accountEnvironment(host.baseEnvironment, account),
      ...own,
      ...givenEnvironment(place, room),
    });
    const argv = step.run.kind === "exec" ? step.run.argv.map(expand) : [];
    const problem = problemOf([...argv, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)]);
    if (problem !== undefined) return refuse(problem);
    const resolved = resolve(place, room, scope, argv, env.PATH!);
    if (resolved.command === undefined) return refuse(resolved.missing);
    return { command: { ...resolved.command, env }, problem: undefined };
  } catch (error) {
    if (error instanceof ExpressionError) return { ...refuse(error.message), unknownValue: true };
    throw error;
  }
}

function resolve(
  place: TryPlace,
  { folder, workingFolder, actionFolder }: TryRoom,
  scope: ExpressionScope,
  argv: readonly string[],
  path: string,
): ResolvedCommand {
  const { run } = place.step;
  if (run.kind === "action") return actionCommand(place, actionFolder, run, scope);
  return resolveCommand(run, argv, { folder, workingFolder, path });
}

/** What conditions and templates of a step see. */
export function expressionScope(attempt: Attempt, names: Record<string, unknown>): ExpressionScope {
  const { target, executionId, executionNumber } = attempt.offer;
  const steps = Object.keys(names).map((id) => {
    const step = stepOf(attempt.progress, id);
    return [id, { state: step.state ?? "skipped", outputs: step.outputs }];
  });
  return {
    inputs: attempt.inputs,
    steps: Object.fromEntries(steps) as ExpressionScope["steps"],
    ...attempt.before,
    target: { id: target.id, name: target.name },
    execution: { id: executionId, number: Number(executionNumber), job: attempt.job.name },
    outcome: outcomeSoFar(attempt.plan, attempt.progress, attempt.cancelled),
  };
}

// The key stays the same over retries and attempts of one assignment: it names the operation, for systems that ignore
// what they were already told.
function givenEnvironment(place: TryPlace, room: TryRoom): Record<string, string> {
  const { offer } = place.attempt;
  const variables: Record<StepVariable, string> = {
    OC_EXECUTION_ID: offer.executionId,
    OC_EXECUTION_NUMBER: String(offer.executionNumber),
    OC_JOB_NAME: place.attempt.job.name,
    OC_STEP_ID: place.step.id,
    OC_ATTEMPT: String(offer.attempt),
    OC_TRY: String(place.try),
    OC_FENCE: String(offer.fence),
    OC_IDEMPOTENCY_KEY: `${offer.assignmentId}/${place.step.id}`,
    OC_OUTPUT: room.outputs,
    OC_TARGET_ID: offer.target.id,
    OC_TARGET_NAME: offer.target.name,
  };
  return { ...inputEnvironment(place.attempt.inputs), ...variables };
}

/** What the system would refuse, said before anything starts. */
function problemOf(texts: readonly string[]): string | undefined {
  if (texts.some((text) => text.includes("\0"))) return "an argument or environment value contains a NUL character";
  const long = texts.some((text) => text.length > longestBytes / 4 && Buffer.byteLength(text) >= longestBytes);
  return long ? "an argument or environment value is longer than 128 KiB: hand it over in a file" : undefined;
}

function refuse(problem: string): { command: undefined; problem: string } {
  return { command: undefined, problem };
}
