// SQL of roles and of who has them.
import type { Query } from "../context.ts";

export interface RoleRow {
  id: string;
  name: string;
  description: string;
  permissions: string[];
  builtIn: boolean;
  mfaRequired: boolean;
}

export interface CountedRole extends RoleRow {
  /** Active users who have it over everything. */
  userCount: bigint;
  /** Grants of it within a scope. */
  grantCount: bigint;
}

/** The built-in ones first. `name` undefined: all. */
export async function selectRoles(sql: Query, name?: string): Promise<CountedRole[]> {
  return sql<CountedRole[]>`
    select r.id, r.name, r.description, r.permissions, r.built_in, r.mfa_required,
      (select count(*) from identity.user_roles ur join identity.users u on u.id = ur.user_id
        where ur.role_id = r.id and u.active) as user_count,
      (select count(*) from identity.grants g where g.role_id = r.id) as grant_count
    from identity.roles r where ${name === undefined ? sql`true` : sql`r.name = ${name}`}
    order by array_position(array['admin', 'manager', 'operator', 'developer', 'viewer'], r.name), r.name`;
}

export async function lockRole(sql: Query, name: string): Promise<RoleRow | undefined> {
  const [row] = await sql<RoleRow[]>`
    select id, name, description, permissions, built_in, mfa_required from identity.roles where name = ${name} for update`;
  return row;
}

export type RoleColumns = Pick<RoleRow, "name" | "description" | "permissions">;

export async function insertRole(sql: Query, id: string, role: RoleColumns): Promise<void> {
  await sql`insert into identity.roles (id, name, description, permissions)
    values (${id}, ${role.name}, ${role.description}, ${role.permissions})`;
}

export async function updateRoleColumns(sql: Query, id: string, role: RoleColumns): Promise<void> {
  await sql`update identity.roles
    set name = ${role.name}, description = ${role.description}, permissions = ${role.permissions} where id = ${id}`;
}

/** Everybody who has it, inactive users too, and every grant. */
export async function countRoleUses(sql: Query, id: string): Promise<bigint> {
  const [row] = await sql<[{ n: bigint }]>`
    select (select count(*) from identity.user_roles where role_id = ${id})
      + (select count(*) from identity.grants where role_id = ${id}) as n`;
  return row.n;
}

/** Whoever has the one has the other from now on, within the same scopes. */
export async function reassignRole(sql: Query, from: string, to: string): Promise<void> {
  await sql`
    insert into identity.user_roles (user_id, role_id) select user_id, ${to} from identity.user_roles
    where role_id = ${from} on conflict do nothing`;
  await sql`
    insert into identity.grants (id, user_id, role_id, scope, group_id, selector, job_id, own_executions,
      locked_inputs, created_at, created_by)
    select uuidv7(), user_id, ${to}, scope, group_id, selector, job_id, own_executions, locked_inputs, created_at,
      created_by
    from identity.grants where role_id = ${from} on conflict do nothing`;
  await sql`delete from identity.user_roles where role_id = ${from}`;
  await sql`delete from identity.grants where role_id = ${from}`;
}

export async function deleteRoleRow(sql: Query, id: string): Promise<void> {
  await sql`delete from identity.roles where id = ${id}`;
}

export async function selectRolesByName(sql: Query, names: readonly string[]): Promise<RoleRow[]> {
  return sql<RoleRow[]>`
    select id, name, description, permissions, built_in, mfa_required from identity.roles where name = any(${names as string[]})`;
}

/** Made by the first start, and brought up to this program's permissions by every later one. */
export async function upsertBuiltInRole(sql: Query, role: Omit<RoleRow, "builtIn" | "mfaRequired">): Promise<void> {
  await sql`
    insert into identity.roles (id, name, description, permissions, built_in)
    values (${role.id}, ${role.name}, ${role.description}, ${role.permissions}, true)
    on conflict (name) do update
      set description = excluded.description, permissions = excluded.permissions, built_in = true
      where (roles.description, roles.permissions, roles.built_in)
        is distinct from (excluded.description, excluded.permissions, true)`;
}

/** Answers what it was before. */
export async function updateRoleMfa(tx: Query, id: string, required: boolean): Promise<boolean> {
  const [row] = await tx<
    { mfaRequired: boolean }[]
  >`select mfa_required from identity.roles where id = ${id} for update`;
  await tx`update identity.roles set mfa_required = ${required} where id = ${id}`;
  return row!.mfaRequired;
}

export async function replaceUserRoles(sql: Query, userId: string, roleIds: readonly string[]): Promise<void> {
  await sql`delete from identity.user_roles where user_id = ${userId} and role_id <> all(${roleIds as string[]}::uuid[])`;
  await sql`
    insert into identity.user_roles (user_id, role_id)
    select ${userId}, r from unnest(${roleIds as string[]}::uuid[]) as r on conflict do nothing`;
}

/** Whoever takes rights away waits for the others who do: together they could remove the last administrator. */
export async function lockAdministrators(sql: Query): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext('identity.administrators'))`;
}

/** Active users who may do everything and can sign in. */
export async function countAdministrators(sql: Query): Promise<bigint> {
  const [row] = await sql<{ n: bigint }[]>`
    select count(*) as n from identity.users u
    where u.active and u.password_hash is not null and exists (
      select from identity.user_roles ur join identity.roles r on r.id = ur.role_id
      where ur.user_id = u.id and '*' = any(r.permissions))`;
  return row!.n;
}
