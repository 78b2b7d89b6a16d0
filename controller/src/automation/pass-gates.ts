// What stands before the beginning of an execution: people who must agree, and others with the same concurrency key that
// run. Called by advance-flow.ts with the execution's row locked.
import type { Query } from "../context.ts";
import { contentOf, selectApproval, selectDecisions, setApprovalOutcome } from "./approval-queries.ts";
import { chooseTurn } from "./choose-turn.ts";
import { holdKey, lockKey, selectRivals } from "./concurrency-queries.ts";
import type { ExecutionRow } from "./execution-queries.ts";

export type GateAnswer =
  | { kind: "passed" }
  /** `again`: when it is looked at again although nothing happens. */
  | { kind: "wait"; reason: string | null; again: Date }
  | { kind: "end"; state: "cancelled" | "skipped"; reason: string }
  /** Wait until these, which run now, are cancelled. */
  | { kind: "cancelOthers"; ids: string[]; reason: string; again: Date };

/** `replaced`: others that wait and have to end, because this one takes their place. */
export type TurnAnswer = GateAnswer & { replaced?: string[] };

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
  await setApprovalOutcome(tx, row.id, { ...(await contentOf(tx, row, approval)), outcome: "expired", at: now });
  return { kind: "end", state: "cancelled", reason: "not approved in time" };
}

export async function passConcurrency(tx: Query, row: ExecutionRow, now: Date): Promise<TurnAnswer> {
  const { id, concurrencyKey: key, concurrencyLimit: limit } = row;
  if (key === null || row.concurrencyHeld) return { kind: "passed" };
  await lockKey(tx, key);
  const turn = chooseTurn({ id, limit: limit!, onConflict: row.onConflict! }, await selectRivals(tx, key, row));
  const again = new Date(now.getTime() + againMs);
  switch (turn.kind) {
    case "take":
      await holdKey(tx, id);
      return { kind: "passed", replaced: turn.replaced };
    case "replaced":
      return {
        ...{ kind: "end", state: "skipped" },
        reason: `not started: #${turn.by} is newer and runs instead (concurrency key ${key})`,
      };
    case "skip":
      return { kind: "end", state: "skipped", reason: `not started: ${turn.who} with the key ${key}` };
    case "cancel":
      return {
        ...{ kind: "cancelOthers", ids: turn.ids, again, replaced: turn.replaced },
        reason: `waits until #${turn.first} is cancelled`,
      };
    case "wait":
      return {
        ...{ kind: "wait", again, replaced: turn.replaced },
        reason: `waits for its turn: ${turn.who} with the key ${key}`,
      };
  }
}
