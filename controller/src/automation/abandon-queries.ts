// SQL of declaring assignments lost. Called by abandon-assignment.ts, which holds the locks in the order that
// execution-queries.ts tells.
import type { AssignmentState } from "@opsconductor/contract/states";
import type { Query } from "../context.ts";
import { isAway } from "./read-queries.ts";

export interface AbandonableAssignment {
  id: string;
  executionId: string;
  stageId: string;
  targetName: string;
  agentId: string | null;
  attempt: number;
  fence: bigint | null;
  state: AssignmentState;
  desired: "run" | "hold" | "cancel" | "forget";
  releaseThroughStep: bigint;
  finish: { state: string; reason: string; atMs: number } | null;
  unreachable: boolean;
  quarantined: boolean;
}

/** Its session first, as everywhere. */
export async function lockAbandonable(
  q: Query,
  executionId: string,
  id: string,
): Promise<AbandonableAssignment | undefined> {
  await q`
    select 1 from fleet.agent_sessions where agent_id = (select agent_id from automation.assignments where id = ${id})
    for share`;
  const [row] = await q<AbandonableAssignment[]>`
    select a.id, a.execution_id, a.stage_id, a.target_name, a.agent_id, a.attempt, a.fence, a.state, a.desired,
      a.release_through_step, a.finish, ${isAway(q)} as unreachable,
      coalesce((select status = 'quarantined' from fleet.agents g where g.id = a.agent_id), false) as quarantined
    from automation.assignments a where a.id = ${id} and a.execution_id = ${executionId} for no key update of a`;
  return row;
}

/** `desired` tells the agent, if it ever comes back, to stop what still runs. */
export async function markAbandoned(
  q: Query,
  ids: readonly string[],
  { at, reason, wish }: { at: Date; reason: string; wish: string },
): Promise<void> {
  await q`
    update automation.assignments
    set state = 'lost', state_reason = ${reason}, finished_at = ${at}, desired = 'cancel', desired_reason = ${wish}
    where id = any(${ids as string[]}::uuid[]) and state in ('offered', 'accepted', 'running')`;
}

/** Held by agents that gave no sign since `before`: the oldest `limit`, locked. */
export async function lockLongUnreachable(
  q: Query,
  before: Date,
  limit: number,
): Promise<
  (Pick<AbandonableAssignment, "id" | "executionId" | "stageId" | "targetName" | "agentId" | "state"> & {
    since: Date;
  })[]
> {
  return await q`
    with silent as materialized (
      select s.agent_id, greatest(g.last_seen_at, s.connected_at, s.closed_at) as since
      from fleet.agent_sessions s join fleet.agents g on g.id = s.agent_id
      left join fleet.controllers c on c.id = s.controller_id
      where (s.controller_id is null or c.id is null or c.lease_until < ${before})
        and greatest(g.last_seen_at, s.connected_at, s.closed_at) < ${before}
    )
    select a.id, a.execution_id, a.stage_id, a.target_name, a.agent_id, a.state, silent.since
    from silent join automation.assignments a on a.agent_id = silent.agent_id
    where a.finished_at is null and a.state in ('offered', 'accepted', 'running')
    order by a.id limit ${limit} for no key update of a skip locked`;
}
