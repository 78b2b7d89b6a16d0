// SQL of the inventory. Called by the verbs of this folder.

import type { Selector } from "@opsconductor/contract/job/selector";
import type { Permission } from "@opsconductor/contract/permissions";
import type { AgentState } from "@opsconductor/contract/states";
import type { Actor, Query } from "../context.ts";
import { grantsWith, holds, mayEverywhere } from "../identity/grants.ts";
import { type Fragment, visibleTo } from "../identity/visible-to.ts";
import { jsonb } from "../jsonb.ts";
import { agentIsIn, agentState, withAgent } from "./agent-state.ts";
import { narrowedTargets } from "./narrowed-targets.ts";
import { type Reading, selectorSql } from "./selector-sql.ts";

export interface ServiceRow {
  type: string;
  port: number;
  secure: boolean;
  default: boolean;
  enabled: boolean;
  credential?: { kind: string; secret: string };
}

export interface TargetRow {
  id: string;
  name: string;
  hostname: string | null;
  address: string | null;
  os: string | null;
  description: string;
  labels: Record<string, string>;
  attributes: Record<string, unknown>;
  facts: Record<string, unknown>;
  services: ServiceRow[];
  groups: { id: string; name: string }[];
  managedByAgentId: string | null;
  agentName: string | null;
  agentState: AgentState | null;
  createdAt: Date;
  updatedAt: Date;
  revision: bigint;
  canWrite: boolean;
}

export interface ResolvedRow {
  id: string;
  name: string;
  agentId: string | null;
  agentName: string | null;
  agentState: AgentState | null;
}

/** Columns that a person sets; what is undefined stays as it is. */
export interface TargetColumns {
  name?: string | undefined;
  hostname?: string | null | undefined;
  address?: string | null | undefined;
  os?: string | null | undefined;
  description?: string | undefined;
  labels?: Record<string, string> | undefined;
  attributes?: Record<string, unknown> | undefined;
  managedByAgentId?: string | null | undefined;
}

export interface TargetFilter {
  id?: string | undefined;
  name?: string | undefined;
  q?: string | undefined;
  selector?: Selector | undefined;
  /** Lower-case name of the last row of the page before. */
  afterName?: string | undefined;
  limit: number;
  withFacts: boolean;
}

/** The agent of a target in reach is in reach by the same grant, so mostly there is nothing to ask. */
function agentName(sql: Query, actor: Actor): Fragment {
  const isWithin = seesOnlyBy(actor, "agents:read") ? sql`true` : visibleTo(sql, actor, "agent");
  return sql`case when ${isWithin} then a.name end`;
}

/** Of a target in reach; mostly seen by a grant that allows this, too. */
const canWrite = (sql: Query, actor: Actor): Fragment =>
  seesOnlyBy(actor, "targets:write") ? sql`true` : visibleTo(sql, actor, "target", "targets:write");

/** Whether each right by which the actor sees a target holds this as well. */
function seesOnlyBy(actor: Actor, permission: Permission): boolean {
  const grants = grantsWith(actor, "targets:read");
  return !mayEverywhere(actor, "targets:read") && grants.every((grant) => holds(grant.permissions, permission));
}

const factsOfTarget = (sql: Query): Fragment =>
  sql`coalesce((select f.facts from assets.target_facts f where f.target_id = t.id), '{}')`;

/** Ordered by name, which is unique among what is not deleted. */
export async function selectTargets(sql: Query, actor: Actor, f: TargetFilter): Promise<TargetRow[]> {
  return sql<TargetRow[]>`
    select t.id, t.name, t.hostname, t.address, t.os, t.description, t.labels, t.attributes,
      ${f.withFacts ? factsOfTarget(sql) : sql`'{}'::jsonb`} as facts, coalesce(v.services, '[]') as services,
      coalesce((select jsonb_agg(jsonb_build_object('id', g.id, 'name', g.name) order by lower(g.name))
        from assets.group_members m join assets.groups g on g.id = m.group_id
        where m.target_id = t.id and ${visibleTo(sql, actor, "group")}), '[]') as groups,
      t.managed_by_agent_id, ${agentName(sql, actor)} as agent_name, ${agentState(sql)}, t.created_at, t.updated_at, t.revision,
      ${canWrite(sql, actor)} as can_write
    from assets.targets t
    ${withAgent(sql)}
    left join lateral (
      select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
        'type', type, 'port', port, 'secure', secure, 'default', is_default, 'enabled', enabled,
        'credential', case when credential_kind is not null
          then jsonb_build_object('kind', credential_kind, 'secret', credential_secret) end
      )) order by id) as services
      from assets.services where target_id = t.id
    ) v on true
    where t.deleted_at is null and ${visibleTo(sql, actor, "target")}
      and ${f.id === undefined ? sql`true` : sql`t.id = ${f.id}`}
      and ${f.name === undefined ? sql`true` : sql`lower(t.name) = ${f.name.toLowerCase()}`}
      and ${f.q === undefined ? sql`true` : sql`position(lower(${f.q}) in lower(t.name)) > 0`}
      and ${f.selector ? selectorSql(sql, f.selector) : sql`true`}
      and ${f.afterName === undefined ? sql`true` : sql`lower(t.name) > ${f.afterName}`}
    order by lower(t.name) limit ${f.limit}`;
}

/** Exactly what the selector means now, or which of the names exist (in lower case). */
export async function selectResolved(sql: Query, actor: Actor, by: Chosen & Within): Promise<ResolvedRow[]> {
  return sql<ResolvedRow[]>`
    select t.id, t.name, t.managed_by_agent_id as agent_id, a.name as agent_name, ${agentState(sql)}
    from assets.targets t
    ${withAgent(sql)}
    where ${resolvedBy(sql, actor, by, "all")}
    order by lower(t.name)`;
}

export interface ResolvedCounts {
  count: bigint;
  withoutAgent: bigint;
  offline: bigint;
}

/** One pass over the targets that keeps nothing: collecting 100,000 ids as well took 20 ms more. */
export async function countResolved(sql: Query, actor: Actor, by: Chosen & Within): Promise<ResolvedCounts> {
  const [row] = await sql<ResolvedCounts[]>`
    select count(*) as count, count(*) filter (where t.managed_by_agent_id is null) as without_agent,
      count(t.managed_by_agent_id) - count(*) filter (where ${agentIsIn(sql, ["online"])}) as offline
    from ${resolvedTargets(sql, actor, by)}`;
  return row!;
}

/** The first by name, of few: those are sorted faster than found by walking along the names. */
export async function selectFirstIds(
  sql: Query,
  actor: Actor,
  by: Chosen & Within,
  { limit }: { limit: number },
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select t.id from ${resolvedTargets(sql, actor, by)} order by lower(t.name) limit ${limit}`;
  return rows.map((row) => row.id);
}

/** The first by name. `ids`: which those are, when it is known. */
export async function selectResolvedPage(
  sql: Query,
  actor: Actor,
  by: Chosen & Within,
  { ids, limit }: { ids: string[] | null; limit: number },
): Promise<ResolvedRow[]> {
  return sql<ResolvedRow[]>`
    select t.id, t.name, t.managed_by_agent_id as agent_id, a.name as agent_name, ${agentState(sql)}
    from (select t.id, t.name, t.managed_by_agent_id from assets.targets t
      where ${ids ? sql`t.id = any(${ids}::uuid[])` : resolvedBy(sql, actor, by, "each")}
      order by lower(t.name) limit ${limit}) t
    ${withAgent(sql)}
    order by lower(t.name)`;
}

/** How far the choice may reach, when that is not what the actor may read. */
export interface Within {
  within?: (reading: Reading) => Fragment;
}

export type Chosen = { selector: Selector } | { names: readonly string[] };

export function chosenBy(sql: Query, by: Chosen, reading: Reading): Fragment {
  return "selector" in by
    ? selectorSql(sql, by.selector, reading)
    : sql`lower(t.name) = any(${by.names as string[]}::text[])`;
}

/** Rows `t`, for what looks at all of them. */
function resolvedTargets(sql: Query, actor: Actor, by: Chosen & Within): Fragment {
  if ("selector" in by) return narrowedTargets(sql, by.selector, (reading) => withinReach(sql, actor, by, reading));
  return sql`assets.targets t where ${resolvedBy(sql, actor, by, "all")}`;
}

const resolvedBy = (sql: Query, actor: Actor, by: Chosen & Within, reading: Reading): Fragment =>
  sql`${withinReach(sql, actor, by, reading)} and ${chosenBy(sql, by, reading)}`;

function withinReach(sql: Query, actor: Actor, by: Within, reading: Reading): Fragment {
  const within = by.within?.(reading) ?? visibleTo(sql, actor, "target", undefined, reading);
  return sql`t.deleted_at is null and ${within}`;
}

/** Names near enough to be worth comparing with one that was not found. */
export async function selectNamesLike(sql: Query, actor: Actor, name: string, limit: number): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select t.name from assets.targets t
    where t.deleted_at is null and ${visibleTo(sql, actor, "target")}
      and lower(t.name) like ${`${name
        .slice(0, 2)
        .toLowerCase()
        .replaceAll(/[\\%_]/g, "\\$&")}%`}
      and length(t.name) between ${name.length - 3} and ${name.length + 3}
    order by lower(t.name) limit ${limit}`;
  return rows.map((row) => row.name);
}

export async function insertTarget(sql: Query, id: string, now: Date, t: Required<TargetColumns>): Promise<void> {
  await sql`
    insert into assets.targets (id, name, hostname, address, os, description, labels, attributes,
      managed_by_agent_id, created_at, updated_at)
    values (${id}, ${t.name!}, ${t.hostname ?? null}, ${t.address ?? null}, ${t.os ?? null}, ${t.description!},
      ${jsonb(sql, t.labels ?? {})}, ${jsonb(sql, t.attributes ?? {})},
      ${t.managedByAgentId ?? null}, ${now}, ${now})`;
}

/** False when the revision is no longer the one that was read (undefined: whatever it is). */
export async function updateTargetColumns(
  sql: Query,
  id: string,
  now: Date,
  columns: TargetColumns,
  revision: bigint | undefined,
): Promise<boolean> {
  const set = (column: Fragment, value: unknown, keep: Fragment) =>
    value === undefined ? sql`${column} = ${keep}` : sql`${column} = ${value as string}`;
  const json = (value: object | undefined) => (value === undefined ? undefined : jsonb(sql, value));
  const result = await sql`
    update assets.targets set
      ${set(sql`name`, columns.name, sql`name`)},
      ${set(sql`hostname`, columns.hostname, sql`hostname`)},
      ${set(sql`address`, columns.address, sql`address`)},
      ${set(sql`os`, columns.os, sql`os`)},
      ${set(sql`description`, columns.description, sql`description`)},
      ${set(sql`labels`, json(columns.labels), sql`labels`)},
      ${set(sql`attributes`, json(columns.attributes), sql`attributes`)},
      ${set(sql`managed_by_agent_id`, columns.managedByAgentId, sql`managed_by_agent_id`)},
      updated_at = ${now}, revision = revision + 1
    where id = ${id} and deleted_at is null and ${revision === undefined ? sql`true` : sql`revision = ${revision}`}`;
  return result.count === 1;
}

export async function lockTarget(sql: Query, id: string): Promise<{ revision: bigint } | undefined> {
  const [row] = await sql<{ revision: bigint }[]>`
    select revision from assets.targets where id = ${id} and deleted_at is null for update`;
  return row;
}

export async function markTargetDeleted(sql: Query, id: string, now: Date): Promise<void> {
  await sql`update assets.targets set deleted_at = ${now}, updated_at = ${now}, revision = revision + 1 where id = ${id}`;
}

export async function replaceServices(
  sql: Query,
  targetId: string,
  services: readonly (ServiceRow & { id: string })[],
): Promise<void> {
  await sql`delete from assets.services where target_id = ${targetId}`;
  if (services.length === 0) return;
  const rows = services.map((s) => ({
    id: s.id,
    targetId,
    type: s.type,
    port: s.port,
    secure: s.secure,
    isDefault: s.default,
    enabled: s.enabled,
    credentialKind: s.credential?.kind ?? null,
    credentialSecret: s.credential?.secret ?? null,
  }));
  await sql`insert into assets.services ${sql(rows)}`;
}

/** Executions that are not finished and have work for this target, newest first. */
export async function selectUnfinishedExecutions(sql: Query, targetId: string): Promise<{ number: bigint }[]> {
  return sql<{ number: bigint }[]>`
    select distinct e.number from automation.assignments x
    join automation.executions e on e.id = x.execution_id
    where x.target_id = ${targetId} and x.finished_at is null
    order by e.number desc limit 5`;
}

export async function selectAgentForTarget(
  sql: Query,
  agentId: string,
): Promise<{ name: string; status: string; ownTargetId: string | null } | undefined> {
  const [row] = await sql<{ name: string; status: string; ownTargetId: string | null }[]>`
    select name, status, own_target_id from fleet.agents where id = ${agentId}`;
  return row;
}

/** The agent whose own host this target is, unless it was revoked. */
export async function selectOwnAgent(sql: Query, targetId: string): Promise<{ name: string } | undefined> {
  const [row] = await sql<{ name: string }[]>`
    select name from fleet.agents where own_target_id = ${targetId} and status <> 'revoked'`;
  return row;
}
