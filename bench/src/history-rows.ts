// A year of executions, written as rows: of one target and ten steps each, spread evenly, nearly all of them succeeded. Called
// by history.ts.
import type { Sql } from "@opsconductor/database/connect";

export const frequentJob = "bench-frequent";
/** Its few executions are the oldest ones. */
export const rareJob = "bench-rare";
export const stepsPerExecution = 10;
const targets = 1000;
const months = 12;
const chunk = 50_000;

/** Returns the name of a target; each has as many executions as the others. */
export async function fillHistory(sql: Sql, count: number): Promise<string> {
  await sql`select automation.ensure_partitions((now() - make_interval(months => ${months}))::date, ${months + 1})`;
  await sql`
    insert into assets.targets (id, name)
    select uuidv7(), 'bench-' || lpad(n::text, 4, '0') from generate_series(1, ${targets}) n`;
  // From the oldest to the newest, as history grows.
  for (let from = 0; from < count; from += chunk) await fillSome(sql, from, Math.min(count, from + chunk), count);
  await sql`vacuum (analyze) automation.executions, automation.stages, automation.assignments, automation.steps`;
  return "bench-0001";
}

async function fillSome(sql: Sql, from: number, to: number, count: number): Promise<void> {
  const about = sql`
    select n, t.id as target_id, t.name as target_name, j.id as job_id, j.name as job_name, v.sha256,
      now() - make_interval(months => ${months}) * (1 - n::float8 / ${count}) as at,
      uuidv7(make_interval(months => ${months}) * (n::float8 / ${count} - 1)) as id,
      uuidv7(make_interval(months => ${months}) * (n::float8 / ${count} - 1)) as assignment_id,
      case when n < 100 then 'timed_out' when n % 20 = 0 then 'failed' when n % 333 = 0 then 'cancelled' else 'succeeded' end
        as state
    from generate_series(${from}::integer, ${to - 1}::integer) n
    join (select id, name, row_number() over (order by name) - 1 as place from assets.targets where name like 'bench-%') t
      on t.place = n % ${targets}
    join automation.jobs j on j.name = case when n < 200 then ${rareJob} else ${frequentJob} end
    join automation.job_versions v on v.job_id = j.id and v.version = 1`;
  await sql`
    with one as materialized (${about}), execution as (
      insert into automation.executions (id, number, job_id, job_name, job_version, definition_sha256, state, reason,
        trigger_kind, requested_by_name, target_count, counts, created_at, started_at, finished_at)
      select id, nextval('automation.execution_number'), job_id, job_name, 1, sha256, state, 'a reason', 'manual',
        'admin', 1, jsonb_build_object(state, 1), at, at, at + interval '3 s' from one
    ), stage as (
      insert into automation.stages (execution_id, stage_id, position, state, steps, counts, started_at, finished_at)
      select id, 'main', 0, state, '[]', jsonb_build_object(state, 1), at, at + interval '3 s' from one
    ), assignment as (
      insert into automation.assignments (id, execution_id, stage_id, target_id, target_name, attempt, fence, state,
        begun, created_at, offered_at, accepted_at, started_at, finished_at)
      select assignment_id, id, 'main', target_id, target_name, 1, n, state, true, at, at, at, at, at + interval '3 s'
      from one
    )
    insert into automation.steps (assignment_id, step_id, attempt, position, state, tries, started_at, finished_at)
    select assignment_id, 'step-' || step, 1, step - 1, case when step = 1 then state else 'succeeded' end, 1, at,
      at + interval '300 ms'
    from one, generate_series(1, ${stepsPerExecution}) step`;
}
