// What stands before the beginning of an execution: people who must agree, and others with the same concurrency key that
// run. Called by advance-flow.ts with the execution's row locked.
import type { Query } from "../context.ts";
import { selectApproval, selectDecisions, setApprovalOutcome } from "./approval-queries.ts";
import { countHolders, holdKey, lockKey } from "./concurrency-queries.ts";
import type { ExecutionRow } from "./execution-queries.ts";

export type GateAnswer =
  | { kind: "passed" }
  /** `again`: when it is looked at again although nothing happens. */
  | { kind: "wait"; reason: string | null; again: Date }
  | { kind: "end"; state: "cancelled" | "skipped"; reason: string }
  /** Wait until these, which run now, are cancelled. */
  | { kind: "cancelOthers"; ids: string[]; reason: string; again: Date };

/** A finish of another wakes at once; this stands behind it. */
const againMs = 3000;

export async function passApproval(tx: Query, row: ExecutionRow, now: Date): Promise<GateAnswer> {
  if (row.state !== "awaiting_approval") return { kind: "passed" };
  const approval = await selectApproval(tx, row.id);
  if (!approval || approval.outcome === "approved") return { kind: "passed" };
  if (approval.outcome === "rejected") {
    const by = (await selectDecisions(tx, row.id)).findLast((decision) => decision.decision === "reject");
    const comment = by?.comment ? `: ${by.comment}` : "";
    return { kind: "end", state: "cancelled", reason: `rejected by ${by?.userName ?? "somebody"}${comment}` };
  }
  if (approval.expiresAt > now) return { kind: "wait", reason: null, again: approval.expiresAt };
  await setApprovalOutcome(tx, row.id, { outcome: "expired", at: now });
  return { kind: "end", state: "cancelled", reason: "not approved in time" };
}

export async function passConcurrency(tx: Query, row: ExecutionRow, now: Date): Promise<GateAnswer> {
  const { id, concurrencyKey: key, concurrencyLimit: limit } = row;
  if (key === null || row.concurrencyHeld) return { kind: "passed" };
  await lockKey(tx, key);
  const { holders, waitingBefore } = await countHolders(tx, key, row);
  if (holders.length + waitingBefore < limit!) {
    await holdKey(tx, id);
    return { kind: "passed" };
  }
  const first = holders[0];
  const who = first ? `#${first.number} runs` : "an earlier one waits";
  const again = new Date(now.getTime() + againMs);
  if (row.onConflict === "skip")
    return { kind: "end", state: "skipped", reason: `not started: ${who} with the key ${key}` };
  if (row.onConflict === "cancel-running" && holders.length >= limit!) {
    const ids = holders.slice(0, holders.length + waitingBefore + 1 - limit!).map((holder) => holder.id);
    return {
      kind: "cancelOthers",
      ids,
      again,
      reason: `waits until ${first ? `#${first.number}` : "others"} is cancelled`,
    };
  }
  return { kind: "wait", reason: `waits for its turn: ${who} with the key ${key}`, again };
}
