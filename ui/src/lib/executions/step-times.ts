// How long a step took, or takes. Pure.
import type { Step } from "../api/types.ts";

/** Milliseconds from the step's start to its end, or to `nowMs` while it runs; undefined when it has not started. */
export function stepMs(step: Pick<Step, "startedAt" | "finishedAt"> | undefined, nowMs: number): number | undefined {
  if (!step?.startedAt) return undefined;
  const end = step.finishedAt ? Date.parse(step.finishedAt) : nowMs;
  const ms = Math.max(0, end - Date.parse(step.startedAt));
  // While it counts, tenths would only flicker.
  return step.finishedAt ? ms : Math.floor(ms / 1000) * 1000;
}
