// On how many hosts the stages of an execution work. Pure; called by create-flow.ts, plan-execution.ts and check-draft.ts.
import type { PlannedStage } from "./plan-flow.ts";

/** One in several stages counts once. */
export function countTargets(stages: readonly Pick<PlannedStage, "work">[]): number {
  return new Set(stages.flatMap(({ work }) => work?.chosen.map(({ targetId }) => targetId) ?? [])).size;
}
