// SQL that asks whether somebody's rights reach given objects. Called by demand-on.ts and explain-access.ts.
import type { Permission } from "@opsconductor/contract/permissions";
import type { Actor, Query } from "../context.ts";
import { type Fragment, type VisibleKind, visibleTo } from "./visible-to.ts";

export type ReachedKind = Exclude<VisibleKind, "assignment">;

const rows: Record<VisibleKind, (sql: Query) => Fragment> = {
  target: (sql) => sql`assets.targets t where t.deleted_at is null and t.id`,
  group: (sql) => sql`assets.groups g where g.id`,
  agent: (sql) => sql`fleet.agents a where a.id`,
  job: (sql) => sql`automation.jobs j where j.deleted_at is null and j.id`,
  execution: (sql) => sql`automation.executions e where e.id`,
  assignment: (sql) => sql`automation.assignments a where a.id`,
};

/** Whether some grant is bound to one of these groups or to one above them: what is in them is somebody's right. */
export async function anyGroupGranted(sql: Query, groupIds: readonly string[]): Promise<boolean> {
  const [row] = await sql`
    select from assets.group_subtree(array(select distinct group_id from identity.grants where group_id is not null)) as g (id)
    where g.id = any(${groupIds as string[]}::uuid[]) limit 1`;
  return row !== undefined;
}

/** How many of them, each once. */
export async function countReached(
  sql: Query,
  actor: Actor,
  kind: ReachedKind,
  permission: Permission,
  ids: readonly string[],
): Promise<number> {
  const [row] = await sql<[{ n: bigint }]>`
    select count(*) as n from ${rows[kind](sql)} = any(${ids as string[]}::uuid[])
      and ${visibleTo(sql, actor, kind, permission)}`;
  return Number(row.n);
}

/** Those of the ids that the actor may read. */
export async function selectReadable(
  sql: Query,
  actor: Actor,
  kind: VisibleKind,
  ids: readonly string[],
): Promise<string[]> {
  const found = await sql<{ id: string }[]>`
    select id from ${rows[kind](sql)} = any(${ids as string[]}::uuid[]) and ${visibleTo(sql, actor, kind)}`;
  return found.map((row) => row.id);
}

/** Those of the ids on which the actor may do it. */
export async function selectReached(
  sql: Query,
  actor: Actor,
  kind: ReachedKind,
  permission: Permission,
  ids: readonly string[],
): Promise<string[]> {
  const found = await sql<{ id: string }[]>`
    select id from ${rows[kind](sql)} = any(${ids as string[]}::uuid[]) and ${visibleTo(sql, actor, kind, permission)}`;
  return found.map((row) => row.id);
}

/** Targets of an execution that the permission does not reach. */
export async function countOutOfReach(
  sql: Query,
  actor: Actor,
  permission: Permission,
  executionId: string,
  range: { from: string; to: string },
): Promise<number> {
  const [row] = await sql<[{ n: bigint }]>`
    select count(*) as n from automation.assignments a
    where a.execution_id = ${executionId} and a.id >= ${range.from} and a.id <= ${range.to}
      and not ${visibleTo(sql, actor, "assignment", permission)}`;
  return Number(row.n);
}
