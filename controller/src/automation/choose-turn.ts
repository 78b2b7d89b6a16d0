// Whether an execution takes its turn among those with the same concurrency key. Pure; called by pass-gates.ts under the
// lock of the key.
import type { Rival } from "./concurrency-queries.ts";

export interface Waiting {
  id: string;
  limit: number;
  onConflict: "queue" | "skip" | "cancel-running";
}

/** `replaced`: others that wait, and have to end because newer ones take their place. */
export type Turn =
  | { kind: "take"; replaced: string[] }
  /** A newer one takes its place. */
  | { kind: "replaced"; by: bigint }
  | { kind: "skip"; who: string }
  /** Those that run have to be over first. */
  | { kind: "cancel"; ids: string[]; first: bigint; replaced: string[] }
  | { kind: "wait"; who: string; replaced: string[] };

/** `rivals`: the oldest first. */
export function chooseTurn(own: Waiting, rivals: readonly Rival[]): Turn {
  const newer = rivals.filter((one) => one.replaces && one.id > own.id);
  if (newer.length >= own.limit) return { kind: "replaced", by: newer.at(-1)!.number };
  const replaced = chooseReplaced(own, rivals);
  const isReplaced = new Set(replaced);
  const holders = rivals.filter(({ held }) => held);
  const before = rivals.filter(({ id, held, isBefore }) => !held && isBefore && !isReplaced.has(id));
  const tooMany = holders.length + before.length + 1 - own.limit;
  if (tooMany <= 0) return { kind: "take", replaced };
  const [first] = holders;
  const who = first ? `#${first.number} runs` : "an earlier one waits";
  if (own.onConflict === "skip") return { kind: "skip", who };
  if (own.onConflict === "cancel-running" && first && holders.length >= own.limit)
    return { kind: "cancel", ids: holders.slice(0, tooMany).map(({ id }) => id), first: first.number, replaced };
  return { kind: "wait", who, replaced };
}

/** Who would begin only to be cancelled for newer ones takes no turn, and nobody waits for it. */
function chooseReplaced({ id, limit, onConflict }: Waiting, rivals: readonly Rival[]): string[] {
  const isReplacing = onConflict === "cancel-running";
  const after = countAfter(rivals);
  const newerReplacers = (index: number) => after[index]! + (isReplacing && id > rivals[index]!.id ? 1 : 0);
  return rivals.filter(({ held }, index) => !held && newerReplacers(index) >= limit).map((one) => one.id);
}

/** For each, how many after it take the place of others: hundreds may wait. */
function countAfter(rivals: readonly Rival[]): number[] {
  let count = 0;
  const counts = rivals.toReversed().map(({ replaces }) => (replaces ? count++ : count));
  return counts.reverse();
}
