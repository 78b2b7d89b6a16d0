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

const isOneOf = (sql: Query, agents: Fragment): Fragment => sql`t.managed_by_agent_id in (${agents})`;
/** Whose session no living controller holds. */
const away = (sql: Query): Fragment => sql`
  select s.agent_id from fleet.agent_sessions s where not coalesce(
    s.controller_id = any(array(select id from fleet.controllers where lease_until > now())), false)`;
/** The hello that opens the first session names the agent's journal in the same transaction; an index has those without. */
const withoutSession = (sql: Query): Fragment => sql`select a.id from fleet.agents a where a.journal_id is null`;
const withStatus = (sql: Query, statuses: ("revoked" | "quarantined")[]): Fragment => sql`
  select a.id from fleet.agents a where a.status <> 'active' and a.status = any(${statuses}::text[])`;
const distrusted = (sql: Query): Fragment => withStatus(sql, ["revoked", "quarantined"]);

const isIn: Record<AgentState, (sql: Query) => Fragment> = {
  revoked: (sql) => isOneOf(sql, withStatus(sql, ["revoked"])),
  quarantined: (sql) => isOneOf(sql, withStatus(sql, ["quarantined"])),
  // By who is not: mostly the shorter list by far, and a list of 100,000 took 20 to 40 ms more.
  online: (sql) =>
    sql`not ${isOneOf(sql, sql`${away(sql)} union all ${withoutSession(sql)} union all ${distrusted(sql)}`)}`,
  offline: (sql) => sql`(${isOneOf(sql, away(sql))} and not ${isOneOf(sql, distrusted(sql))})`,
  never_connected: (sql) => sql`(${isOneOf(sql, withoutSession(sql))} and not ${isOneOf(sql, distrusted(sql))})`,
};
