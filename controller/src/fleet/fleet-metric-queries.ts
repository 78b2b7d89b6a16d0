// What /metrics counts of the fleet in the database; called by fleet-metrics.ts at each scrape.
import type { Query } from "../context.ts";

/** Every agent that was not revoked, by state. */
export async function countAgentStates(q: Query): Promise<{ state: string; n: bigint }[]> {
  return await q<{ state: string; n: bigint }[]>`
    select case
        when a.status = 'quarantined' then 'quarantined'
        when s.agent_id is null then 'never_connected'
        when s.controller_id is not null and c.lease_until > now() then 'online'
        else 'offline'
      end as state, count(*) as n
    from fleet.agents a
    left join fleet.agent_sessions s on s.agent_id = a.id
    left join fleet.controllers c on c.id = s.controller_id
    where a.status <> 'revoked' group by 1`;
}

export interface AgentTroubles {
  degraded: bigint;
  journalFailed: bigint;
  spooledBytes: bigint;
}

/** As their last heartbeats told; written once a minute. */
export async function sumAgentTroubles(q: Query): Promise<AgentTroubles> {
  const [row] = await q<[AgentTroubles]>`
    select count(*) filter (where vitals ->> 'degraded' <> '') as degraded,
      count(*) filter (where vitals ->> 'degraded' ilike '%journal%') as journal_failed,
      coalesce(sum((vitals ->> 'spooledBytes')::numeric), 0)::bigint as spooled_bytes
    from fleet.agents where status <> 'revoked'`;
  return row;
}
