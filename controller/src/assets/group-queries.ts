// SQL of groups and of which targets are in them. Called by the verbs of groups.
import type { Actor, Query } from "../context.ts";
import { visibleTo } from "../identity/visible-to.ts";

export interface GroupRow {
  id: string;
  name: string;
  description: string;
  parentId: string | null;
  targetCount: bigint;
  totalCount: bigint;
  createdAt: Date;
  updatedAt: Date;
  revision: bigint;
  canWrite: boolean;
}

export interface GroupFilter {
  id?: string | undefined;
  name?: string | undefined;
  q?: string | undefined;
  /** Lower-case name of the last row of the page before. */
  afterName?: string | undefined;
  limit: number;
}

/** By name. Counts what the actor may see. */
export async function selectGroups(sql: Query, actor: Actor, f: GroupFilter): Promise<GroupRow[]> {
  const members = sql`from assets.group_members m join assets.targets t on t.id = m.target_id
    where t.deleted_at is null and ${visibleTo(sql, actor, "target")}`;
  return sql<GroupRow[]>`
    select g.id, g.name, g.description, g.parent_id, g.created_at, g.updated_at, g.revision,
      (select count(*) ${members} and m.group_id = g.id) as target_count,
      (select count(distinct t.id) ${members} and m.group_id in (select * from assets.group_subtree(array[g.id])))
        as total_count,
      ${visibleTo(sql, actor, "group", "targets:write")} as can_write
    from assets.groups g
    where ${visibleTo(sql, actor, "group")}
      and ${f.id === undefined ? sql`true` : sql`g.id = ${f.id}`}
      and ${f.name === undefined ? sql`true` : sql`lower(g.name) = ${f.name.toLowerCase()}`}
      and ${f.q === undefined ? sql`true` : sql`position(lower(${f.q}) in lower(g.name)) > 0`}
      and ${f.afterName === undefined ? sql`true` : sql`lower(g.name) > ${f.afterName}`}
    order by lower(g.name) limit ${f.limit}`;
}

export interface GroupColumns {
  name?: string | undefined;
  description?: string | undefined;
  parentId?: string | null | undefined;
}

export async function insertGroup(sql: Query, id: string, now: Date, g: Required<GroupColumns>): Promise<void> {
  await sql`
    insert into assets.groups (id, name, description, parent_id, created_at, updated_at)
    values (${id}, ${g.name!}, ${g.description!}, ${g.parentId ?? null}, ${now}, ${now})`;
}

/** False when the revision is no longer the one that was read (undefined: whatever it is). */
export async function updateGroupColumns(
  sql: Query,
  id: string,
  now: Date,
  columns: GroupColumns,
  revision: bigint | undefined,
): Promise<boolean> {
  const named = Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined));
  const { count } = await sql`
    update assets.groups set ${sql({ ...named, updatedAt: now } as never)}, revision = revision + 1
    where id = ${id} and ${revision === undefined ? sql`true` : sql`revision = ${revision}`}`;
  return count === 1;
}

/** What still hangs on a group: groups below it, and grants that are bound to it. */
export async function countGroupUses(sql: Query, id: string): Promise<{ below: bigint; grants: bigint }> {
  const [row] = await sql<[{ below: bigint; grants: bigint }]>`
    select (select count(*) from assets.groups where parent_id = ${id}) as below,
      (select count(*) from identity.grants where group_id = ${id}) as grants`;
  return row;
}

/** False when the revision is another one by now. Its targets stay, without it. */
export async function deleteGroupRow(sql: Query, id: string, revision: bigint | undefined): Promise<boolean> {
  const { count } = await sql`
    delete from assets.groups where id = ${id} and ${revision === undefined ? sql`true` : sql`revision = ${revision}`}`;
  return count === 1;
}

/** Returns the ids that were not in it before. */
export async function insertMembers(sql: Query, groupId: string, targetIds: readonly string[]): Promise<string[]> {
  const rows = await sql<{ targetId: string }[]>`
    insert into assets.group_members (group_id, target_id)
    select ${groupId}, t from unnest(${targetIds as string[]}::uuid[]) as t on conflict do nothing returning target_id`;
  return rows.map((row) => row.targetId);
}

/** Returns the ids that were in it. */
export async function deleteMembers(sql: Query, groupId: string, targetIds: readonly string[]): Promise<string[]> {
  const rows = await sql<{ targetId: string }[]>`
    delete from assets.group_members where group_id = ${groupId} and target_id = any(${targetIds as string[]}::uuid[])
    returning target_id`;
  return rows.map((row) => row.targetId);
}

export async function replaceGroupsOfTarget(sql: Query, targetId: string, groupIds: readonly string[]): Promise<void> {
  await sql`
    delete from assets.group_members
    where target_id = ${targetId} and group_id <> all(${groupIds as string[]}::uuid[])`;
  await sql`
    insert into assets.group_members (group_id, target_id)
    select g, ${targetId} from unnest(${groupIds as string[]}::uuid[]) as g on conflict do nothing`;
}

export interface TargetRef {
  id: string;
  name: string;
}

/** Those of the ids or names (in any case) that the actor may see. */
export async function selectTargetRefs(sql: Query, actor: Actor, names: readonly string[]): Promise<TargetRef[]> {
  if (names.length === 0) return [];
  const lower = names.map((name) => name.toLowerCase());
  return sql<TargetRef[]>`
    select t.id, t.name from assets.targets t
    where t.deleted_at is null and ${visibleTo(sql, actor, "target")}
      and (lower(t.name) = any(${lower}::text[]) or t.id::text = any(${lower}::text[]))
    order by lower(t.name)`;
}

/** Those of the ids that the actor may see. */
export async function selectGroupIds(sql: Query, actor: Actor, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const rows = await sql<{ id: string }[]>`
    select g.id from assets.groups g where g.id = any(${ids as string[]}::uuid[]) and ${visibleTo(sql, actor, "group")}`;
  return rows.map((row) => row.id);
}
