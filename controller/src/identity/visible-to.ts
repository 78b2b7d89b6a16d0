// The one place that says which rows an actor may see or act on. Every list, get, count and resolve query has it in its
// `where`, so that what is out of somebody's reach does not exist for them. docs/people.md tells people the same.
import type { Permission } from "@opsconductor/contract/permissions";
import type postgres from "postgres";
import { anySelectorSql } from "../assets/any-selector-sql.ts";
import { isMemberSql, type Reading } from "../assets/selector-sql.ts";
import type { Actor, Query } from "../context.ts";
import { grantsWith, type ScopedGrant } from "./grants.ts";
import { mergeSelectors } from "./merge-selectors.ts";

export type Fragment = postgres.PendingQuery<postgres.Row[]>;
export type VisibleKind = "target" | "group" | "agent" | "job" | "execution" | "assignment";

const permissionToRead: Record<VisibleKind, Permission> = {
  target: "targets:read",
  group: "targets:read",
  agent: "agents:read",
  job: "jobs:read",
  execution: "executions:read",
  assignment: "executions:read",
};

/**
 * A condition over the row of `kind` that the query calls by its usual alias (t, g, a, j, e; assignments are `a` too):
 * whether the actor may do `permission` there, reading it when none is named. `reading`: of targets, see selector-sql.ts;
 * of executions, "each" is for a walk over few of them, and otherwise PostgreSQL may begin at the targets within reach.
 */
export function visibleTo(
  sql: Query,
  actor: Actor,
  kind: VisibleKind,
  permission: Permission = permissionToRead[kind],
  reading: Reading = "planned",
): Fragment {
  if (seesAll(actor, kind, permission)) return sql`true`;
  const grants = grantsWith(actor, permission);
  if (grants.length === 0) return sql`false`;
  const scopes = new Scopes(grants);
  return kind === "target" ? targetsWithin(sql, scopes, reading) : reach[kind](sql, scopes, actor, permission, reading);
}

/** Whether no row of this kind is out of the actor's reach. */
export function seesAll(actor: Actor, kind: VisibleKind, permission: Permission = permissionToRead[kind]): boolean {
  if (actor.permissions.has("*") || actor.permissions.has(permission)) return true;
  // Such a grant limits executions, or the inputs to run with; of the rest it reaches all.
  if (kind === "execution" || kind === "assignment") return false;
  return grantsWith(actor, permission).some(({ scope }) => scope.kind === "everything");
}

/**
 * A condition over targets `t`: those whose executions the actor may read. Undefined when it takes more than targets to say
 * so: a grant for a job or everything, or one that is limited to own executions.
 */
export function targetsThatShowExecutions(sql: Query, actor: Actor): Fragment | undefined {
  const scopes = new Scopes(grantsWith(actor, permissionToRead.execution));
  const byTargetsAlone = scopes.grants.every(
    ({ scope, ownExecutions }) => !ownExecutions && (scope.kind === "group" || scope.kind === "selector"),
  );
  return byTargetsAlone && !seesAll(actor, "execution") ? targetsWithin(sql, scopes) : undefined;
}

/** The scopes of several grants by their kind, so that any number of groups or jobs is one condition. */
class Scopes {
  readonly grants: readonly ScopedGrant[];
  readonly groupIds: string[];
  readonly jobIds: string[];

  constructor(grants: readonly ScopedGrant[]) {
    this.grants = grants;
    this.groupIds = grants.flatMap(({ scope }) => (scope.kind === "group" ? [scope.groupId] : []));
    this.jobIds = grants.flatMap(({ scope }) => (scope.kind === "job" ? [scope.jobId] : []));
  }

  /** Whether some grant is bound to targets, and so leaves jobs alone. */
  get ofTargets(): boolean {
    return this.grants.some(({ scope }) => scope.kind === "group" || scope.kind === "selector");
  }

  only(own: boolean): Scopes {
    return new Scopes(this.grants.filter(({ ownExecutions }) => ownExecutions === own));
  }
}

type Reach = (sql: Query, scopes: Scopes, actor: Actor, permission: Permission, reading: Reading) => Fragment;

const reach: Record<Exclude<VisibleKind, "target">, Reach> = {
  // An array is read once; a subquery of its own would be read for each target that names its groups.
  group: (sql, { groupIds }) => sql`g.id = any(array(select assets.group_subtree(${groupIds}::uuid[])))`,
  agent: agentsWithin,
  // A definition is bound to no host: who has a part of the fleet may see and run every job, there. Writing one decides
  // where it runs for everybody, so a part of the fleet is no right to that.
  job: (sql, scopes, _, permission) =>
    scopes.ofTargets && permission !== "jobs:write" ? sql`true` : sql`j.id = any(${scopes.jobIds}::uuid[])`,
  execution: (sql, scopes, actor, _, reading) =>
    executionsWithin(sql, scopes, actor, reading === "each" ? someAssignmentOfEachWithin : someAssignmentWithin),
  assignment: (sql, scopes, actor) => sql`exists (
    select from automation.executions e where e.id = a.execution_id
      and ${executionsWithin(sql, scopes, actor, (q, s) => sql`a.target_id in (${targetIdsWithin(q, s)})`)})`,
};

function targetsWithin(sql: Query, { grants, groupIds }: Scopes, reading: Reading = "planned"): Fragment {
  const selectors = mergeSelectors(grants.flatMap(({ scope }) => (scope.kind === "selector" ? [scope.selector] : [])));
  const parts = selectors.length > 0 ? [anySelectorSql(sql, selectors, reading)] : [];
  if (groupIds.length > 0) parts.push(isMemberSql(sql, reading, sql`assets.group_subtree(${groupIds}::uuid[])`));
  return anyOf(sql, parts);
}

/** Whoever has one of its targets sees an agent; changing it concerns all of them. */
function agentsWithin(sql: Query, scopes: Scopes, _: Actor, permission: Permission): Fragment {
  const within = targetsWithin(sql, scopes);
  if (permission !== "agents:write")
    return sql`a.id in (select t.managed_by_agent_id from assets.targets t where t.deleted_at is null and ${within})`;
  return sql`a.id in (select t.managed_by_agent_id from assets.targets t where t.deleted_at is null
    group by t.managed_by_agent_id having bool_and(${within}))`;
}

const targetIdsWithin = (sql: Query, scopes: Scopes): Fragment =>
  sql`select t.id from assets.targets t where ${targetsWithin(sql, scopes)}`;

/** Of grants that are limited to own executions, those that the actor asked for. */
function executionsWithin(
  sql: Query,
  scopes: Scopes,
  actor: Actor,
  byTargets: (sql: Query, scopes: Scopes) => Fragment,
): Fragment {
  const within = (some: Scopes): Fragment =>
    anyOf(sql, [
      ...(some.grants.some(({ scope }) => scope.kind === "everything") ? [sql`true`] : []),
      ...(some.jobIds.length > 0 ? [sql`e.job_id = any(${some.jobIds}::uuid[])`] : []),
      ...(some.ofTargets ? [byTargets(sql, some)] : []),
    ]);
  const [all, own] = [scopes.only(false), scopes.only(true)];
  return anyOf(sql, [
    ...(all.grants.length > 0 ? [within(all)] : []),
    ...(own.grants.length > 0 ? [sql`(e.requested_by = ${actor.id} and ${within(own)})`] : []),
  ]);
}

const someAssignmentWithin = (sql: Query, scopes: Scopes): Fragment => sql`exists (
  ${assignmentsOf(sql)} and x.target_id in (${targetIdsWithin(sql, scopes)}))`;

/** Kept from becoming a join by `offset`, and the set of targets by `is true`: so that is made once, and looked up in. */
const someAssignmentOfEachWithin = (sql: Query, scopes: Scopes): Fragment => sql`exists (
  ${assignmentsOf(sql)} and (x.target_id in (${targetIdsWithin(sql, scopes)})) is true offset 0)`;

/** Ids of an execution's assignments share its millisecond, so their primary key finds them. */
const assignmentsOf = (sql: Query): Fragment => sql`
  select from automation.assignments x
  where x.id >= automation.uuid7_floor(uuid_extract_timestamp(e.id))
    and x.id < automation.uuid7_floor(uuid_extract_timestamp(e.id) + interval '1 millisecond')
    and x.execution_id = e.id`;

function anyOf(sql: Query, parts: readonly Fragment[]): Fragment {
  if (parts.length === 0) return sql`false`;
  return sql`(${parts.map((part, i) => sql`${i ? sql`or` : sql``} ${part}`)})`;
}
