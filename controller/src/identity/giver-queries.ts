// SQL of who could give a permission. Called when one is refused.
import type { Query } from "../context.ts";

export async function selectRolesHolding(sql: Query, permission: string): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select name from identity.roles where permissions && array[${permission}, '*']::text[]
    order by array_position(array['admin', 'manager', 'operator', 'developer', 'viewer'], name), name limit 20`;
  return rows.map((row) => row.name);
}

/** Active users who may change users and hold the permission themselves, over everything. */
export async function selectGivers(sql: Query, permission: string, limit: number): Promise<string[]> {
  const rows = await sql<{ username: string }[]>`
    select u.username from identity.users u
    join identity.user_roles ur on ur.user_id = u.id join identity.roles r on r.id = ur.role_id
    cross join unnest(r.permissions) p
    where u.active
    group by u.id, u.username
    having bool_or(p = '*') or (bool_or(p = 'users:write') and bool_or(p = ${permission}))
    order by lower(u.username) limit ${limit}`;
  return rows.map((row) => row.username);
}
