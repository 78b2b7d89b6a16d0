// Rows of automation.execution_events: what happened to an execution besides its states. Written by whatever causes or
// notices it, in the same transaction; read by read-timeline.ts.
import type { TimelineKind } from "@opsconductor/contract/api/executions";
import type { Actor, Query } from "../context.ts";
import { mayEverywhere } from "../identity/grants.ts";
import { type Fragment, visibleTo } from "../identity/visible-to.ts";
import { jsonb } from "../jsonb.ts";
import { assignmentIdRange } from "./assignment-ids.ts";
import { asUuid } from "./read-queries.ts";

export interface TimelineNote {
  executionId: string;
  assignmentId: string | null;
  targetName: string | null;
  kind: TimelineKind;
  at: Date;
  detail: Record<string, unknown>;
}

export async function insertNotes(q: Query, notes: readonly TimelineNote[]): Promise<void> {
  if (notes.length > 0) await insertNotesSql(q, notes);
}

/** For a statement that writes more than this. */
export const insertNotesSql = (q: Query, notes: readonly TimelineNote[]): Fragment => q`
  insert into automation.execution_events (execution_id, at, kind, assignment_id, target_name, detail)
  select "executionId", at, kind, "assignmentId", "targetName", detail
  from jsonb_to_recordset(${jsonb(q, notes)}) as r(
    "executionId" uuid, at timestamptz, kind text, "assignmentId" uuid, "targetName" text, detail jsonb)`;

/** One note for each attempt that the agent holds; returns their executions. */
export async function insertNotesOfAgent(
  q: Query,
  agentId: string,
  note: { kind: TimelineKind; at: Date; detail: Record<string, unknown> },
): Promise<string[]> {
  const rows = await q<{ executionId: string }[]>`
    insert into automation.execution_events (execution_id, at, kind, assignment_id, target_name, detail)
    select execution_id, ${note.at}, ${note.kind}, id, target_name, ${jsonb(q, note.detail)}
    from automation.assignments
    where agent_id = ${agentId} and finished_at is null and state in ('offered', 'accepted', 'running')
    returning execution_id`;
  return [...new Set(rows.map((r) => r.executionId))];
}

/** On the execution that is repeated; the new one was inserted by the statement before. */
export async function insertRetryNote(
  q: Query,
  { of, execution, by, reason }: { of: string; execution: string; by: string; reason: string },
): Promise<void> {
  await q`
    insert into automation.execution_events (execution_id, at, kind, detail)
    select ${of}, created_at, 'execution.retried', jsonb_build_object('by', ${by}::text, 'reason', ${reason}::text,
      'targets', target_count, 'executionId', id, 'number', number)
    from automation.executions where id = ${execution}`;
}

export interface TimelineRow extends TimelineNote {
  id: string;
}

export interface TimelineFilter {
  executionId: string;
  /** Target by name, or by its assignment. */
  target: string | undefined;
  before: string | undefined;
  limit: number;
}

/** Newest first. */
export async function selectTimeline(q: Query, actor: Actor, f: TimelineFilter): Promise<TimelineRow[]> {
  return await q<TimelineRow[]>`
    select id, execution_id, at, kind, assignment_id, target_name, detail
    from automation.execution_events
    where execution_id = ${f.executionId} and ${aboutVisible(q, actor, f.executionId)}
      and ${f.before === undefined ? q`true` : q`id < ${f.before}`}
      and ${f.target === undefined ? q`true` : ofTarget(q, f.executionId, f.target)}
    order by id desc limit ${f.limit}`;
}

/** What happened to the execution as a whole, and on the targets that the actor may see. */
function aboutVisible(q: Query, actor: Actor, executionId: string): Fragment {
  if (mayEverywhere(actor, "executions:read")) return q`true`;
  const { from, to } = assignmentIdRange(executionId);
  return q`(assignment_id is null or assignment_id in (select a.id from automation.assignments a
    where a.id >= ${from} and a.id <= ${to} and ${visibleTo(q, actor, "assignment")}))`;
}

function ofTarget(q: Query, executionId: string, target: string): Fragment {
  const id = asUuid(target);
  if (id === null) return q`lower(target_name) = ${target.toLowerCase()}`;
  const { from, to } = assignmentIdRange(executionId);
  return q`(assignment_id = ${id} or assignment_id in (select a.id from automation.assignments a
    where a.id >= ${from} and a.id <= ${to} and a.execution_id = ${executionId} and a.target_id = ${id}))`;
}
