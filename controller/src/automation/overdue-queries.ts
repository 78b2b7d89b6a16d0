// Claims of rows whose time has come. Every controller runs them; `skip locked` shares the work.
import type { AssignmentState } from "@opsconductor/contract/states";
import type { Query } from "../context.ts";

export interface ExpiredRow {
  id: string;
  executionId: string;
  stageId: string;
  targetName: string;
}

/** Queued too long: the oldest `limit` become expired. */
export async function expireAssignments(q: Query, now: Date, limit: number): Promise<ExpiredRow[]> {
  return await q<ExpiredRow[]>`
    with due as materialized (
      select id from automation.assignments where state = 'queued' and released and start_before < ${now}
      order by id limit ${limit} for no key update skip locked
    )
    update automation.assignments a
    set state = 'expired', finished_at = ${now}, state_reason = 'its agent was not connected in time'
    from due where a.id = due.id and a.state = 'queued'
    returning a.id, a.execution_id, a.stage_id, a.target_name`;
}

/** Running longer than the job's timeout and its grace: asked to stop, once. */
export async function markOverdue(
  q: Query,
  now: Date,
  limit: number,
): Promise<
  {
    id: string;
    agentId: string;
    attempt: number;
    fence: bigint;
    desired: "cancel";
    releaseThroughStep: bigint;
    desiredReason: string;
    executionId: string;
    targetName: string;
  }[]
> {
  return await q`
    with due as materialized (
      select id from automation.assignments
      where timeout_at < ${now} and finished_at is null and timed_out_at is null
      order by id limit ${limit} for no key update skip locked
    )
    update automation.assignments a
    set desired = 'cancel', desired_reason = 'timed out', timed_out_at = ${now}
    from due where a.id = due.id
    returning a.id, a.agent_id, a.attempt, a.fence, a.desired, a.release_through_step, a.desired_reason,
      a.execution_id, a.target_name`;
}

export interface EndedRow extends ExpiredRow {
  from: AssignmentState;
  state: AssignmentState;
  stateReason: string;
}

/** Unfinished work of agents that were revoked: nobody will ever tell how it ends. */
export async function endRevoked(q: Query, now: Date, limit: number): Promise<EndedRow[]> {
  return await q<EndedRow[]>`
    with due as materialized (
      select a.id, a.state from fleet.agents g join automation.assignments a on a.agent_id = g.id
      where g.status = 'revoked' and a.finished_at is null
      order by a.id limit ${limit} for no key update of a skip locked
    )
    update automation.assignments a
    set finished_at = ${now}, state = case due.state when 'queued' then 'expired' else 'lost' end,
      state_reason = case due.state when 'queued' then 'its agent was revoked before it took this work'
        else 'its agent was revoked; whether its steps ran to their end is not known' end
    from due where a.id = due.id and a.state = due.state
    returning a.id, a.execution_id, a.stage_id, a.target_name, due.state as "from", a.state, a.state_reason`;
}
