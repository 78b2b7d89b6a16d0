// Waits until an execution has finished, for POST execute?wait=30s. The live event ends the wait at once; looks at the
// row stand behind it, because another controller may have recorded the end. No look at the beginning: most executions
// are over before it would be answered, and it would take the time of their own statements.
import type { Execution } from "@opsconductor/contract/api/executions";
import { executionStates, isTerminal } from "@opsconductor/contract/states";
import { type Actor, type Context, systemActor } from "../context.ts";
import { findExecution } from "./get-execution.ts";
import { presentExecution } from "./present-execution.ts";

const firstLookMs = 100;
const lookEveryMs = 1000;

/**
 * The execution as it is when it finished, or when the time was over. Who asks has just made it, and learns how it ended
 * without the right to read executions.
 */
export async function waitForExecution(
  ctx: Pick<Context, "sql" | "live" | "signal">,
  _actor: Actor,
  { execution, waitMs, signal }: { execution: Execution; waitMs: number; signal?: AbortSignal },
): Promise<Execution> {
  if (isTerminal(executionStates, execution.state)) return execution;
  const { promise, resolve } = Promise.withResolvers<Execution | undefined>();
  const subscription = ctx.live.subscribe([`executions:${execution.id}`], undefined, (_, event) => {
    if (event.kind === "execution" && isTerminal(executionStates, event.execution.state)) resolve(event.execution);
  });
  const look = async () => {
    const now = presentExecution(await findExecution(ctx.sql, systemActor, execution.id));
    if (isTerminal(executionStates, now.state)) resolve(now);
  };
  const stop = () => resolve(undefined);
  const timer = setTimeout(stop, waitMs);
  const lookNow = () => void look().catch(stop);
  const firstLook = setTimeout(lookNow, firstLookMs);
  const looks = setInterval(lookNow, lookEveryMs);
  for (const s of [ctx.signal, signal]) s?.addEventListener("abort", stop, { once: true });
  try {
    return (await promise) ?? presentExecution(await findExecution(ctx.sql, systemActor, execution.id));
  } finally {
    subscription.close();
    clearTimeout(timer);
    clearTimeout(firstLook);
    clearInterval(looks);
    for (const s of [ctx.signal, signal]) s?.removeEventListener("abort", stop);
  }
}
