// SQL of roles that are given within a scope. Called by the verbs of grants.
import type { Query } from "../context.ts";
import { jsonb } from "../jsonb.ts";
import type { GrantSource } from "./grants.ts";

export interface GrantRow extends GrantSource {
  role: string;
  groupName: string | null;
  jobName: string | null;
  createdAt: Date;
  createdByName: string | null;
}

/** The oldest first. */
export async function selectGrants(sql: Query, userId: string): Promise<GrantRow[]> {
  return sql<GrantRow[]>`
    select g.id, r.name as role, r.permissions, g.scope, g.group_id, gr.name as group_name, g.selector, g.job_id,
      j.name as job_name, g.own_executions, g.locked_inputs, g.created_at, c.username as created_by_name
    from identity.grants g join identity.roles r on r.id = g.role_id
    left join assets.groups gr on gr.id = g.group_id
    left join automation.jobs j on j.id = g.job_id
    left join identity.users c on c.id = g.created_by
    where g.user_id = ${userId} order by g.id`;
}

export interface NewGrant {
  id: string;
  userId: string;
  roleId: string;
  scope: GrantSource["scope"];
  groupId: string | null;
  selector: string | null;
  jobId: string | null;
  ownExecutions: boolean;
  lockedInputs: GrantSource["lockedInputs"];
  createdAt: Date;
  createdBy: string | null;
}

/** False when the user has it already. */
export async function insertGrant(sql: Query, grant: NewGrant): Promise<boolean> {
  const { count } =
    await sql`insert into identity.grants ${sql({ ...grant, lockedInputs: jsonb(sql, grant.lockedInputs) })} on conflict do nothing`;
  return count > 0;
}

export async function deleteGrantRow(sql: Query, id: string): Promise<void> {
  await sql`delete from identity.grants where id = ${id}`;
}
