// Reading agents as people see them: with their session, whether its controller lives, and what they manage.
// Called by list-agents.ts, get-agent.ts and whatever publishes an agent's change.
import type { Agent } from "@opsconductor/contract/api/agents";
import type { AgentState } from "@opsconductor/contract/states";
import type { Query } from "../context.ts";
import type { Fragment } from "../identity/visible-to.ts";

export interface AgentRow {
  id: string;
  name: string;
  state: AgentState;
  statusReason: string | null;
  quarantine: Agent["quarantine"];
  closeReason: string | null;
  identityKey: Buffer;
  currentSerial: string | null;
  certificateNotAfter: Date | null;
  version: string | null;
  platform: Record<string, string>;
  actions: string[];
  facts: Record<string, unknown>;
  factsAt: Date | null;
  vitals: Record<string, unknown>;
  labels: Record<string, string>;
  targetCount: bigint;
  assignmentLimit: number | null;
  remoteAddress: string | null;
  connectedAt: Date | null;
  enrolledAt: Date;
  lastSeenAt: Date | null;
  revision: bigint;
  canWrite: boolean;
}

export interface AgentFilter {
  ids?: readonly string[];
  nameOrId?: string;
  q?: string | undefined;
  state?: AgentState | undefined;
  after?: { name: string; id: string } | undefined;
  /** Which agents the reader may see; all when nobody in particular reads. */
  visible?: Fragment;
  /** Which agents they may change. */
  writable?: Fragment;
  limit: number;
  withFacts: boolean;
}

/**
 * Ordered by name. The state is computed: online means that a session is open on a controller whose lease lives, so
 * that a controller that died without a word takes its agents offline by itself.
 */
export async function selectAgents(sql: Query, f: AgentFilter): Promise<AgentRow[]> {
  return sql<AgentRow[]>`
    select * from (
      select a.id, a.name, a.status_reason, a.quarantine, s.close_reason, a.identity_key, a.current_serial, a.certificate_not_after,
        a.version, a.platform, a.actions, ${f.withFacts ? sql`a.facts` : sql`'{}'::jsonb`} as facts, a.facts_at, a.vitals,
        a.labels, a.assignment_limit, s.remote_address, a.enrolled_at, a.revision,
        ${f.writable ?? sql`false`} as can_write,
        case when s.controller_id is not null then s.connected_at end as connected_at,
        greatest(a.last_seen_at, s.connected_at, s.closed_at) as last_seen_at,
        (select count(*) from assets.targets t where t.managed_by_agent_id = a.id and t.deleted_at is null) as target_count,
        case
          when a.status in ('revoked', 'quarantined') then a.status
          when s.agent_id is null then 'never_connected'
          when s.controller_id is not null and c.lease_until > now() then 'online'
          else 'offline'
        end as state
      from fleet.agents a
      left join fleet.agent_sessions s on s.agent_id = a.id
      left join fleet.controllers c on c.id = s.controller_id
      where ${f.visible ?? sql`true`} and ${f.ids ? sql`a.id = any(${f.ids as string[]}::uuid[])` : sql`true`}
        and ${f.nameOrId === undefined ? sql`true` : sql`(a.id::text = ${f.nameOrId} or lower(a.name) = lower(${f.nameOrId}))`}
        and ${f.q === undefined ? sql`true` : sql`position(lower(${f.q}) in lower(a.name)) > 0`}
        and ${f.after ? sql`(lower(a.name), a.id::text) > (${f.after.name}, ${f.after.id})` : sql`true`}
    ) agents
    where ${f.state === undefined ? sql`true` : sql`state = ${f.state}`}
    order by lower(name), id limit ${f.limit}`;
}
