// The state of a target's agent as the fleet pages show it, in SQL. Called by target-queries.ts and selector-sql.ts.
import type { AgentState } from "@opsconductor/contract/states";
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

/**
 * Whether the agent of `t` is in one of the states, as `stateOfAgent` would say: from lists that are read once and never
 * from the agents' wide rows, for statements that look at all targets. True or false, never null.
 */
export function agentIsIn(sql: Query, states: readonly AgentState[]): Fragment {
  if (states.length === 0) return sql`false`;
  const parts = states.map((state, i) => sql`${i ? sql`or` : sql``} ${isIn[state](sql)}`);
  return sql`(t.managed_by_agent_id is not null and (${parts}))`;
}

const withStatus = (sql: Query, status: Fragment): Fragment =>
  sql`t.managed_by_agent_id in (select id from fleet.agents where status <> 'active' and ${status})`;
const isTrusted = (sql: Query): Fragment => sql`not ${withStatus(sql, sql`status in ('revoked', 'quarantined')`)}`;
const hasSession = (sql: Query, which: Fragment): Fragment =>
  sql`t.managed_by_agent_id in (select s.agent_id from fleet.agent_sessions s where ${which})`;
/** Held by a controller that lives. */
const isHeld = (sql: Query): Fragment =>
  sql`coalesce(s.controller_id = any(array(select id from fleet.controllers where lease_until > now())), false)`;

const isIn: Record<AgentState, (sql: Query) => Fragment> = {
  revoked: (sql) => withStatus(sql, sql`status = 'revoked'`),
  quarantined: (sql) => withStatus(sql, sql`status = 'quarantined'`),
  online: (sql) => sql`(${hasSession(sql, isHeld(sql))} and ${isTrusted(sql)})`,
  offline: (sql) => sql`(${hasSession(sql, sql`not ${isHeld(sql)}`)} and ${isTrusted(sql)})`,
  never_connected: (sql) => sql`(not ${hasSession(sql, sql`true`)} and ${isTrusted(sql)})`,
};
