// Which batch of a rollout each target belongs to. Pure; called by plan-flow.ts.
import { parseDuration } from "@opsconductor/contract/job/duration";
import type { RolloutSpec } from "@opsconductor/contract/job/rollout-schema";
import { shareOf } from "@opsconductor/contract/job/schema-parts";
import type { ChosenAssignment } from "./choose-assignments.ts";

export interface Batches {
  /** Of each assignment, in their order. */
  of: number[];
  count: number;
  sizes: number[];
  maxFailures: number;
  /** Null: without a rollout all begin at once, and nothing is stopped. */
  rollout: { pauseMs: number; stepFirst: boolean; lastStep: number } | null;
}

/** Targets that are left out from the start count for no batch, so that the canary is one that runs. */
export function dealBatches(
  chosen: readonly Pick<ChosenAssignment, "state">[],
  spec: RolloutSpec | undefined,
  steps: number,
): Batches {
  const total = chosen.filter((c) => c.state === "queued").length;
  if (!spec) return { of: chosen.map(() => 0), count: 1, sizes: [total], maxFailures: 0, rollout: null };
  const sizes = batchSizes(total, spec);
  const ends = sizes.map((_, i) => sizes.slice(0, i + 1).reduce((sum, size) => sum + size, 0));
  let position = 0;
  const of = chosen.map((c) => {
    const at = Math.max(
      0,
      ends.findIndex((end) => position < end),
    );
    if (c.state === "queued") position++;
    return at;
  });
  return {
    ...{ of, count: sizes.length, sizes },
    maxFailures: shareOf(spec.maxFailures, chosen.length, "down"),
    rollout: { pauseMs: parseDuration(spec.pause)!, stepFirst: spec.order === "step-first", lastStep: steps - 1 },
  };
}

function batchSizes(total: number, { canary, batch }: RolloutSpec): number[] {
  const first = canary === undefined ? 0 : Math.min(total, Math.max(1, shareOf(canary, total, "up")));
  const each = Math.max(1, shareOf(batch, total, "up"));
  const sizes = first > 0 ? [first] : [];
  for (let left = total - first; left > 0; left -= each) sizes.push(Math.min(each, left));
  return sizes.length > 0 ? sizes : [0];
}
