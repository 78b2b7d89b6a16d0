// The grants of user `u` as SQL that other queries of users carry along. Called by session-queries.ts and user-queries.ts.
import type { Query } from "../context.ts";

/** As grants.ts reads them. */
export const grantsOfUser = (sql: Query) => sql`
  coalesce((select jsonb_agg(jsonb_build_object('id', g.id, 'permissions', r.permissions, 'scope', g.scope,
      'groupId', g.group_id, 'selector', g.selector, 'jobId', g.job_id, 'ownExecutions', g.own_executions,
      'lockedInputs', g.locked_inputs))
    from identity.grants g join identity.roles r on r.id = g.role_id where g.user_id = u.id), '[]')`;

/** The roles of user `u` within scopes ask for a second factor as those over everything do. */
export const mfaByGrant = (sql: Query) => sql`
  exists (select from identity.grants g join identity.roles r on r.id = g.role_id
    where g.user_id = u.id and r.mfa_required)`;
