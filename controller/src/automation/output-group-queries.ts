// Targets of a step by what it printed there. Called by group-outputs.ts. Grouping is done here, over the checksums that
// agents told: no output is read.
import type { StepState } from "@opsconductor/contract/states";
import type { Actor, Query } from "../context.ts";
import { type Fragment, visibleTo } from "../identity/visible-to.ts";
import { assignmentIdRange } from "./assignment-ids.ts";

export interface StepPlace {
  executionId: string;
  stageId: string;
  stepId: string;
}

export interface OutputGroupRow {
  name: string;
  state: StepState;
  exitCode: number | null;
  signal: string | null;
  outputSha256: Uint8Array | null;
  outputBytes: bigint | null;
  count: bigint;
  sampleId: string;
  sampleName: string;
  groups: bigint;
  targets: bigint;
}

/** The state of step `s` of assignment `a` as pages show it: choose-step-states.ts says the same of rows. */
export const shownState = (q: Query): Fragment => q`case
  when s.state is null and a.finished_at is null then 'pending'
  when s.state is null then case a.state when 'cancelled' then 'cancelled' else 'skipped' end
  when s.state = 'running' and a.state = 'lost' then 'lost'
  else s.state end`;

/** The newest try of step `s`, joined as `t`; `from` and `to` let PostgreSQL skip the other partitions. */
export const newestTry = (q: Query, executionId: string): Fragment => {
  const { from, to } = assignmentIdRange(executionId);
  return q`left join automation.tries t on t.assignment_id = s.assignment_id and t.attempt = s.attempt
    and t.step_id = s.step_id and t.try = s.tries and t.assignment_id >= ${from} and t.assignment_id <= ${to}`;
};

/** One row a target, with the name of its group: what is the same has the same name, on every page and later. */
function results(q: Query, actor: Actor, { executionId, stageId, stepId }: StepPlace): Fragment {
  const { from, to } = assignmentIdRange(executionId);
  return q`result as (
    select r.*, encode(sha256(convert_to(concat_ws(' ', r.state, coalesce(r.exit_code::text, '-'),
      coalesce(r.signal, '-'), coalesce(encode(r.output_sha256, 'hex'), '-')), 'UTF8')), 'hex') as name
    from (
      select a.id, a.target_name, ${shownState(q)} as state, t.exit_code, nullif(t.signal, '') as signal, t.output_sha256,
        case when t.output_sha256 is not null then t.output_bytes end as output_bytes
      from automation.assignments a
      left join automation.steps s on s.assignment_id = a.id and s.attempt = a.attempt and s.step_id = ${stepId}
        and s.assignment_id >= ${from} and s.assignment_id <= ${to}
      ${newestTry(q, executionId)}
      where a.execution_id = ${executionId} and a.id >= ${from} and a.id <= ${to} and a.stage_id = ${stageId}
        and ${visibleTo(q, actor, "assignment")}
    ) r
  )`;
}

/** The largest first. */
export async function selectOutputGroups(
  q: Query,
  actor: Actor,
  place: StepPlace,
  page: { after: { count: string; name: string } | undefined; limit: number },
): Promise<OutputGroupRow[]> {
  return await q<OutputGroupRow[]>`
    with ${results(q, actor, place)}, grouped as (
      select name, min(state) as state, min(exit_code) as exit_code, min(signal) as signal,
        (array_agg(output_sha256))[1] as output_sha256, min(output_bytes) as output_bytes, count(*) as count,
        (array_agg(id order by id))[1] as sample_id, (array_agg(target_name order by id))[1] as sample_name
      from result group by name
    ), counted as (
      select *, count(*) over () as groups, sum(count) over ()::bigint as targets from grouped
    )
    select * from counted
    where ${page.after ? q`(count, name) < (${page.after.count}::bigint, ${page.after.name})` : q`true`}
    order by count desc, name desc limit ${page.limit}`;
}

/** In the order of the targets' names. */
export async function selectGroupTargets(
  q: Query,
  actor: Actor,
  place: StepPlace,
  page: { group: string; after: string | undefined; limit: number },
): Promise<{ id: string; targetName: string }[]> {
  return await q<{ id: string; targetName: string }[]>`
    with ${results(q, actor, place)}
    select id, target_name from result
    where name = ${page.group} and ${page.after === undefined ? q`true` : q`id > ${page.after}`}
    order by id limit ${page.limit}`;
}
