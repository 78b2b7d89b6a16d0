// How urgent an execution is: a word for people, a number in rows, so that what waits can be sorted by it; and who may say
// that something is urgent. Called by create-execution.ts and save-job.ts.
import { type Priority, priorities } from "@opsconductor/contract/job/priorities";
import type { Actor, Context } from "../context.ts";
import { demandEverywhere } from "../identity/demand-permission.ts";

export const numberOfPriority = (word: Priority): number => priorities.indexOf(word) - 1;
export const wordOfPriority = (number: number): Priority => priorities[number + 1] ?? "normal";

/** `own`: what the job says itself, which somebody was allowed to write. */
export async function demandPriority(
  ctx: Context,
  actor: Actor,
  asked: Priority | undefined,
  own: Priority,
): Promise<void> {
  if (asked === "high" && own !== "high") await demandEverywhere(ctx, actor, "executions:prioritize");
}
