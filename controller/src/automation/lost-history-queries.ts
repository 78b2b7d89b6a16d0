// SQL of what an agent did in a history that a restored database does not have. Called by lost-history.ts, in the
// transaction of the agent's hello.
import type { Query } from "../context.ts";

export interface QueuedRow {
  id: string;
  executionId: string;
  stageId: string;
  targetName: string;
  attempt: number;
  createdAt: Date;
}

export interface HistoryFacts {
  generation: number;
  restoredAt: Date | null;
}

export async function selectHistory(q: Query): Promise<HistoryFacts> {
  const [row] = await q<[HistoryFacts]>`select generation, restored_at from fleet.cluster`;
  return row;
}

/** Of the agent, as this database knows them, locked. */
export async function lockQueued(q: Query, agentId: string): Promise<QueuedRow[]> {
  return await q<QueuedRow[]>`
    select id, execution_id, stage_id, target_name, attempt, created_at from automation.assignments
    where agent_id = ${agentId} and state = 'queued' order by id for no key update`;
}

/** The agent holds this attempt, which the lost history gave it: it is the attempt here too, and tells everything again. */
export async function adoptAttempt(
  q: Query,
  a: { id: string; attempt: number; fence: bigint; epoch: bigint; at: Date },
): Promise<void> {
  await q`
    update automation.assignments
    set state = 'offered', attempt = ${a.attempt}, fence = ${a.fence}, last_seq = 0, finish = null, offered_at = ${a.at},
      offered_epoch = ${a.epoch}, state_reason = null
    where id = ${a.id} and state = 'queued'`;
}

export async function loseQueued(q: Query, ids: readonly string[], at: Date, reason: string): Promise<void> {
  await q`
    update automation.assignments set state = 'lost', finished_at = ${at}, state_reason = ${reason}
    where id = any(${ids as string[]}::uuid[]) and state = 'queued'`;
}
