// SQL of who can decide about what waits for approval. Called by approvals.ts and missing-approvers.ts.
import type { Permission } from "@opsconductor/contract/permissions";
import type { Actor, Query } from "../context.ts";
import { grantsOfUser } from "../identity/grant-rows.ts";
import { type GrantSource, mayEverywhere } from "../identity/grants.ts";
import { visibleTo } from "../identity/visible-to.ts";
import type { ApprovalRule } from "./approval-queries.ts";
import { assignmentIdRange } from "./assignment-ids.ts";
import { type ExecutionRow, executionColumns } from "./execution-queries.ts";

/** What a rule may call user `u`. */
const namesOfUser = (q: Query) => q`
  array(select 'user:' || lower(u.username) union all
    select 'role:' || lower(r.name) from identity.user_roles ur join identity.roles r on r.id = ur.role_id
    where ur.user_id = u.id)`;

/** Deciding takes both: who decides is shown all of it. */
export const permissionsToDecide = ["executions:read", "approvals:decide"] as const satisfies Permission[];

/** What the actor, a person, may decide now but for an earlier decision of theirs, whose content it names. */
export async function selectDecidable(
  q: Query,
  actor: Actor,
  { now, limit }: { now: Date; limit: number },
): Promise<(ExecutionRow & { decidedContents: string[] })[]> {
  const narrow = permissionsToDecide.filter((permission) => !mayEverywhere(actor, permission));
  return await q<(ExecutionRow & { decidedContents: string[] })[]>`
    select ${executionColumns(q)}, array(select encode(d.content_sha256, 'hex') from automation.approval_decisions d
      where d.execution_id = e.id and d.user_id = ${actor.id}) as decided_contents
    from automation.approvals p join automation.executions e on e.id = p.execution_id
    where e.state = 'awaiting_approval' and p.outcome is null and e.cancel_requested_at is null and p.expires_at > ${now}
      and not (coalesce((p.rule ->> 'notRequester')::boolean, false) and e.requested_by is not distinct from ${actor.id})
      and (p.rule -> 'by' is null or exists (
        select from jsonb_array_elements_text(p.rule -> 'by') b, identity.users u
        where u.id = ${actor.id} and lower(b) = any(${namesOfUser(q)})))
      and ${visibleTo(q, actor, "execution")}
      ${narrow.length === 0 ? q`` : narrow.map((permission) => reachesAll(q, actor, permission))}
    order by e.id desc limit ${limit}`;
}

const reachesAll = (q: Query, actor: Actor, permission: Permission) => q`
  and not exists (select from automation.assignments a
    where a.id >= automation.uuid7_floor(uuid_extract_timestamp(e.id))
      and a.id < automation.uuid7_floor(uuid_extract_timestamp(e.id) + interval '1 millisecond')
      and a.execution_id = e.id and not ${visibleTo(q, actor, "assignment", permission)})`;

export interface Candidate {
  id: string;
  username: string;
  permissions: string[];
  grants: GrantSource[];
}

/** People whom the rule lets decide and who have the right to anything; those who have it over everything come first. */
export async function selectCandidates(
  q: Query,
  { rule, requestedBy }: { rule: ApprovalRule; requestedBy: string | null },
  limit: number,
): Promise<Candidate[]> {
  const by = rule.by?.map((name) => name.toLowerCase()) ?? null;
  const permissions = q`array(select distinct p from identity.user_roles ur join identity.roles r on r.id = ur.role_id,
    unnest(r.permissions) p where ur.user_id = u.id)`;
  return await q<Candidate[]>`
    select * from (
      select u.id, u.username, ${permissions} as permissions, ${grantsOfUser(q)} as grants
      from identity.users u
      where u.active and u.kind = 'person' and (${!rule.notRequester} or u.id is distinct from ${requestedBy})
        and (${by === null} or ${namesOfUser(q)} && ${by ?? []}::text[])) u
    where permissions && array['*', 'approvals:decide'] or jsonb_array_length(grants) > 0
    order by permissions && array['*', 'approvals:decide'] desc, lower(username) limit ${limit}`;
}

export async function selectApproverIds(q: Query, executionId: string, hash: Buffer): Promise<string[]> {
  const rows = await q<{ userId: string }[]>`
    select distinct user_id from automation.approval_decisions
    where execution_id = ${executionId} and decision = 'approve' and content_sha256 = ${hash}`;
  return rows.map((row) => row.userId);
}

export async function selectTargetIds(q: Query, executionId: string): Promise<string[]> {
  const { from, to } = assignmentIdRange(executionId);
  const rows = await q<{ targetId: string }[]>`
    select distinct a.target_id from automation.assignments a
    where a.execution_id = ${executionId} and a.id >= ${from} and a.id <= ${to}`;
  return rows.map((row) => row.targetId);
}
