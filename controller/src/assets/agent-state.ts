// The state of a target's agent as the fleet pages show it, in SQL. Called by target-queries.ts and selector-sql.ts.
import type { Query } from "../context.ts";
import type { Fragment } from "../identity/visible-to.ts";

/** The agent of `t`: online needs a session on a controller that lives. */
export const withAgent = (sql: Query): Fragment => sql`
  left join fleet.agents a on a.id = t.managed_by_agent_id
  ${withSession(sql)}`;

/** Of the agent `a`. */
export const withSession = (sql: Query): Fragment => sql`
  left join fleet.agent_sessions s on s.agent_id = a.id
  left join fleet.controllers c on c.id = s.controller_id`;

/** Null without an agent. */
export const stateOfAgent = (sql: Query): Fragment => sql`
  case
    when a.id is null then null
    when a.status in ('revoked', 'quarantined') then a.status
    when s.agent_id is null then 'never_connected'
    when s.controller_id is not null and c.lease_until > now() then 'online'
    else 'offline'
  end`;

export const agentState = (sql: Query): Fragment => sql`${stateOfAgent(sql)} as agent_state`;
