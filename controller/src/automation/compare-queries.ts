// Two executions beside each other: their targets are matched by stage and target, their steps by step id. Called by
// compare-executions.ts. All of it is done here, over states, times and checksums: no output is read.
import type { TargetChange } from "@opsconductor/contract/api/compare";
import type { AssignmentState } from "@opsconductor/contract/states";
import type { Actor, Query } from "../context.ts";
import { type Fragment, visibleTo } from "../identity/visible-to.ts";
import { assignmentIdRange } from "./assignment-ids.ts";
import { newestTry } from "./output-group-queries.ts";

export interface ComparedIds {
  before: string;
  after: string;
}

export interface ComparedStepRow {
  stageId: string;
  stepId: string;
  before: StepSideRow | null;
  after: StepSideRow | null;
  sameOutput: bigint;
  otherOutput: bigint;
}
export interface StepSideRow {
  targets: number;
  succeeded: number;
  medianMs: number | null;
  maxMs: number | null;
}

export interface ComparedTargetRow {
  stageId: string;
  targetId: string;
  targetName: string;
  change: TargetChange;
  rank: number;
  steps: string[] | null;
  before: { id: string; state: AssignmentState; ms: number | null } | null;
  after: { id: string; state: AssignmentState; ms: number | null } | null;
}

/** Milliseconds of a row with started_at and finished_at. */
const ms = (q: Query, row: Fragment) =>
  q`round(extract(epoch from ${row}.finished_at - ${row}.started_at) * 1000)::float8`;

/** Assignments of one execution as `name`, and their steps as `<name>_steps`. */
function side(q: Query, actor: Actor, name: "before" | "after", executionId: string): Fragment {
  const { from, to } = assignmentIdRange(executionId);
  const steps = q(`${name}_steps`);
  return q`${q(name)} as materialized (
    select a.id, a.stage_id, a.target_id, a.target_name, a.attempt, a.state, a.started_at, a.finished_at
    from automation.assignments a
    where a.execution_id = ${executionId} and a.id >= ${from} and a.id <= ${to} and ${visibleTo(q, actor, "assignment")}
  ), ${steps} as materialized (
    select x.stage_id, x.target_id, s.step_id, s.position, s.state, s.outputs, s.changed, ${ms(q, q`s`)} as ms, t.exit_code,
      t.output_sha256
    from ${q(name)} x
    join automation.steps s on s.assignment_id = x.id and s.attempt = x.attempt
      and s.assignment_id >= ${from} and s.assignment_id <= ${to}
    ${newestTry(q, executionId)}
  )`;
}

const sides = (q: Query, actor: Actor, ids: ComparedIds): Fragment =>
  q`${side(q, actor, "before", ids.before)}, ${side(q, actor, "after", ids.after)}`;

/** Steps that began in one of them at least, in no order. */
export async function selectComparedSteps(q: Query, actor: Actor, ids: ComparedIds): Promise<ComparedStepRow[]> {
  const summary = (of: Fragment) => q`case when count(${of}.state) > 0 then jsonb_build_object(
      'targets', count(${of}.state), 'succeeded', count(*) filter (where ${of}.state = 'succeeded'),
      'medianMs', percentile_cont(0.5) within group (order by ${of}.ms), 'maxMs', max(${of}.ms)) end`;
  return await q<ComparedStepRow[]>`
    with ${sides(q, actor, ids)}
    select stage_id, step_id, ${summary(q`b`)} as before, ${summary(q`a`)} as after,
      count(*) filter (where b.output_sha256 = a.output_sha256) as same_output,
      count(*) filter (where b.output_sha256 <> a.output_sha256) as other_output
    from before_steps b full join after_steps a using (stage_id, target_id, step_id)
    group by stage_id, step_id`;
}

/** A target of both is `output` where any of its steps gave something else. */
function pairs(q: Query, actor: Actor, ids: ComparedIds): Fragment {
  return q`with ${sides(q, actor, ids)}, differing as (
      select stage_id, target_id, array_agg(step_id order by coalesce(a.position, b.position)) as steps
      from before_steps b full join after_steps a using (stage_id, target_id, step_id)
      where (b.state, b.exit_code, b.output_sha256, b.outputs, b.changed)
        is distinct from (a.state, a.exit_code, a.output_sha256, a.outputs, a.changed)
      group by stage_id, target_id
    ), pair as (
      select stage_id, target_id, coalesce(a.target_name, b.target_name) as target_name,
        case when a.id is not null and b.id is not null then d.steps end as steps,
        b.id as before_id, b.state as before_state, ${ms(q, q`b`)} as before_ms,
        a.id as after_id, a.state as after_state, ${ms(q, q`a`)} as after_ms,
        case when a.id is null then 'before_only' when b.id is null then 'after_only'
          when a.state <> b.state then 'state' when d.steps is not null then 'output' else 'same' end as change
      from before b full join after a using (stage_id, target_id) left join differing d using (stage_id, target_id)
    ), ranked as (
      select *, array_position(array['state', 'before_only', 'after_only', 'output', 'same'], change) as rank from pair
    )`;
}

export async function countComparedTargets(
  q: Query,
  actor: Actor,
  ids: ComparedIds,
): Promise<{ change: TargetChange; n: bigint }[]> {
  return await q<{ change: TargetChange; n: bigint }[]>`
    ${pairs(q, actor, ids)} select change, count(*) as n from ranked group by change`;
}

export interface ComparedTargetFilter {
  change: TargetChange | undefined;
  q: string | undefined;
  after: { rank: string; name: string; stageId: string; targetId: string } | undefined;
  limit: number;
}

/** What differs most first, then by name. */
export async function selectComparedTargets(
  q: Query,
  actor: Actor,
  ids: ComparedIds,
  f: ComparedTargetFilter,
): Promise<ComparedTargetRow[]> {
  return await q<ComparedTargetRow[]>`
    ${pairs(q, actor, ids)}
    select stage_id, target_id, target_name, change, rank, steps,
      case when before_id is not null then jsonb_build_object('id', before_id, 'state', before_state, 'ms', before_ms) end
        as before,
      case when after_id is not null then jsonb_build_object('id', after_id, 'state', after_state, 'ms', after_ms) end
        as after
    from ranked
    where ${f.change === undefined ? q`true` : q`change = ${f.change}`}
      and ${f.q === undefined ? q`true` : q`position(lower(${f.q}) in lower(target_name)) > 0`}
      and ${
        f.after === undefined
          ? q`true`
          : q`(rank, target_name, stage_id, target_id) >
            (${f.after.rank}::int, ${f.after.name}, ${f.after.stageId}, ${f.after.targetId}::uuid)`
      }
    order by rank, target_name, stage_id, target_id limit ${f.limit}`;
}

/** The one of the same job that was started before, of those that the actor may read. */
export async function selectPrevious(
  q: Query,
  actor: Actor,
  of: { id: string; jobId: string },
): Promise<string | undefined> {
  const [row] = await q<{ id: string }[]>`
    select e.id from automation.executions e
    where e.job_id = ${of.jobId} and e.id < ${of.id} and ${visibleTo(q, actor, "execution")}
    order by e.id desc limit 1`;
  return row?.id;
}
