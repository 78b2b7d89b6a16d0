// The test's own record of every committed change of state: triggers in the test's database write it into a side table,
// in the transaction of the change. The checker's evidence; the product knows nothing of it. Called by fault-stack.ts.
import type { Query } from "@opsconductor/database/connect";

export type Entity = "execution" | "stage" | "assignment" | "step" | "try" | "session" | FlowEntity;
/** An approval and each decision about it; a failure budget that is spent; a turn that is taken and given back. */
export type FlowEntity = "approval" | "decision" | "stop" | "turn";

export interface Transition {
  /** Grows in the order in which one row changed. */
  id: number;
  at: Date;
  /** When its transaction began. */
  begunAt: Date;
  /** The same for all changes of one transaction, which nobody can see one by one. */
  transaction: string;
  /** What its transaction could see when it was made, as `pg_snapshot` writes it: `xmin:xmax:those that went on`. */
  snapshot: string;
  entity: Entity;
  /** Names the row: an id, or ids joined by `/`. */
  key: string;
  from: string | null;
  to: string | null;
  attempt: number | null;
  fence: bigint | null;
  /** Of a session. */
  epoch: bigint | null;
  /** What is wrong in itself: a row deleted, an outcome rewritten, a counter that fell. */
  anomaly: string | null;
}

const sessionState = "(case when r.controller_id is null then 'closed' else 'open' end)";

interface Watched {
  entity: Entity;
  table: string;
  /** Over `r`, the new row, or the old one where it is gone. */
  key: string;
  state?: string;
  attempt?: string;
  fence?: string;
  epoch?: string;
  /** A further change that is recorded, over `o` and `n`. */
  also?: string;
  /** Only rows that are so now, over `r`. */
  only?: string;
  /** What must not happen on an update, over `o` and `n`: SQL of a boolean and its name. */
  anomalies?: Record<string, string>;
}

const isOver = "o.state not in ('awaiting_approval', 'queued', 'running', 'paused', 'pending')";
const watched: Watched[] = [
  {
    ...{ entity: "execution", table: "automation.executions", key: "r.id::text" },
    anomalies: { "finished twice": "o.finished_at is not null and n.finished_at is distinct from o.finished_at" },
  },
  {
    ...{ entity: "stage", table: "automation.stages", key: "r.execution_id || '/' || r.stage_id" },
    anomalies: { "finished twice": "o.finished_at is not null and n.finished_at is distinct from o.finished_at" },
  },
  {
    ...{ entity: "assignment", table: "automation.assignments", key: "r.id::text" },
    ...{ attempt: "r.attempt", fence: "r.fence", also: "o.fence is distinct from n.fence or o.attempt <> n.attempt" },
    anomalies: {
      "finished twice": "o.finished_at is not null and n.finished_at is distinct from o.finished_at",
      "event counter fell": "n.last_seq < o.last_seq and n.fence = o.fence",
      "final event replaced": "o.finish is not null and n.fence = o.fence and n.finish is distinct from o.finish",
    },
  },
  {
    ...{ entity: "step", table: "automation.steps", key: "r.assignment_id || '/' || r.step_id", attempt: "r.attempt" },
    anomalies: {
      "outcome replaced": `${isOver} and n.attempt = o.attempt and (n.outputs, n.finished_at) is distinct from (o.outputs, o.finished_at)`,
    },
  },
  {
    ...{ entity: "try", table: "automation.tries", attempt: "r.attempt" },
    key: "r.assignment_id || '/' || r.attempt || '/' || r.step_id || '/' || r.try",
    anomalies: {
      "outcome replaced":
        "o.output_bytes is not null and (n.exit_code, n.signal, n.output_bytes, n.output_sha256, n.raw_bytes, n.gaps, n.finished_at) is distinct from (o.exit_code, o.signal, o.output_bytes, o.output_sha256, o.raw_bytes, o.gaps, o.finished_at)",
      "stored bytes fell": "n.stored_bytes < o.stored_bytes",
    },
  },
  {
    ...{ entity: "session", table: "fleet.agent_sessions", key: "r.agent_id::text", state: sessionState },
    ...{ epoch: "r.epoch", also: "o.epoch <> n.epoch or o.controller_id is distinct from n.controller_id" },
    anomalies: { "epoch fell": "n.epoch < o.epoch" },
  },
  {
    ...{ entity: "approval", table: "automation.approvals", key: "r.execution_id::text" },
    state: "coalesce(r.outcome, 'waiting')",
    anomalies: { "rule or time changed": "(n.rule, n.expires_at) is distinct from (o.rule, o.expires_at)" },
  },
  {
    ...{ entity: "decision", table: "automation.approval_decisions", state: "r.decision" },
    key: "r.execution_id || '/' || r.user_id || '/' || encode(r.content_sha256, 'hex')",
    anomalies: { "decision changed": "n is distinct from o" },
  },
  {
    ...{ entity: "stop", table: "automation.stages", key: "r.execution_id || '/' || r.stage_id" },
    ...{ state: "(case when r.stopped then 'stopped' else 'open' end)", only: "r.stopped" },
  },
  {
    ...{ entity: "turn", table: "automation.executions", key: "r.id::text", only: "r.concurrency_held" },
    state: "(case when r.concurrency_held and r.finished_at is null then 'held' else 'free' end)",
  },
];

/** As the owner of the database. Also makes what `pauseAt` of moments.ts needs. */
export async function installTransitions(owner: Query, appRole: string): Promise<void> {
  await owner.unsafe(`
    create schema faults;
    grant usage on schema faults to ${appRole};
    create table faults.transitions (
      id bigint generated always as identity primary key,
      at timestamptz not null default clock_timestamp(), begun_at timestamptz not null default now(),
      transaction xid8 not null default pg_current_xact_id(), snapshot pg_snapshot not null default pg_current_snapshot(),
      entity text not null, key text not null, old_state text, new_state text,
      attempt integer, fence bigint, epoch bigint, anomaly text
    );
    -- A moment that is armed: the transaction that reaches it waits for the advisory lock that the killer holds.
    create table faults.armed (entity text not null, new_state text not null);`);
  for (const table of watched) await owner.unsafe(triggerOf(table));
  await owner.unsafe(outputTrigger);
}

export const armedLock = 4711;
const pause = (entity: string, state: string) => `
  if exists (select from faults.armed a where a.entity = ${entity} and a.new_state = ${state}) then
    perform pg_advisory_xact_lock_shared(${armedLock});
  end if;`;

function triggerOf({ entity, table, key, also = "false", anomalies = {}, ...columns }: Watched): string {
  const { state = "r.state", attempt = "null", fence = "null", epoch = "null", only = "true" } = columns;
  const value = (row: "o" | "n", expression: string) => expression.replaceAll("r.", `${row}.`);
  const cases = Object.entries(anomalies).map(([name, wrong]) => `when ${wrong} then '${name}'`);
  const anomaly = cases.length > 0 ? `case ${cases.join(" ")} end` : "null::text";
  const columnsOf = (row: "o" | "n") => [attempt, fence, epoch].map((column) => value(row, column)).join(", ");
  return `
    create function faults.note_${entity}() returns trigger language plpgsql security definer as $$
    declare o ${table}; n ${table}; wrong text;
    begin
      if tg_op = 'DELETE' then
        o := old;
        insert into faults.transitions (entity, key, old_state, anomaly)
        values ('${entity}', ${value("o", key)}, ${value("o", state)}, 'deleted');
        return null;
      end if;
      n := new;
      if not (${value("n", only)}) then
        return null;
      end if;
      if tg_op = 'INSERT' then
        insert into faults.transitions (entity, key, new_state, attempt, fence, epoch)
        values ('${entity}', ${value("n", key)}, ${value("n", state)}, ${columnsOf("n")});
      else
        o := old;
        wrong := ${anomaly};
        if ${value("o", state)} is not distinct from ${value("n", state)} and not (${also}) and wrong is null then
          return null;
        end if;
        insert into faults.transitions (entity, key, old_state, new_state, attempt, fence, epoch, anomaly)
        values ('${entity}', ${value("n", key)}, ${value("o", state)}, ${value("n", state)}, ${columnsOf("n")}, wrong);
      end if;
      ${pause(`'${entity}'`, value("n", state))}
      return null;
    end $$;
    create trigger faults_note_${entity} after insert or update or delete on ${table}
      for each row execute function faults.note_${entity}();`;
}

// Rows of output are only ever added: anything else is recorded, and a transaction that stores some can be met.
const outputTrigger = `
  create function faults.note_output() returns trigger language plpgsql security definer as $$
  begin
    if tg_op = 'INSERT' then
      ${pause("'output'", "'stored'")}
    else
      insert into faults.transitions (entity, key, anomaly)
      values ('try', old.assignment_id || '/' || old.attempt || '/' || old.step_id || '/' || old.try, 'output changed');
    end if;
    return null;
  end $$;
  create trigger faults_note after insert or update or delete on automation.output
    for each row execute function faults.note_output();`;

export async function readTransitions(owner: Query, afterId = 0): Promise<Transition[]> {
  const rows = await owner<(Omit<Transition, "id"> & { id: bigint })[]>`
    select id, at, begun_at, transaction::text as transaction, snapshot::text as snapshot, entity, key, old_state as "from", new_state as "to", attempt, fence, epoch, anomaly
    from faults.transitions where id > ${afterId} order by id`;
  return rows.map((row) => ({ ...row, id: Number(row.id) }));
}

/**
 * Whether `by` must have known of `move`: it was written before the transaction of `by` began, and committed when that made
 * its change. What commits in between may be known or not.
 */
export function mustHaveSeen(by: Transition, move: Transition): boolean {
  const [least, next, ongoing] = by.snapshot.split(":");
  const number = Number(move.transaction);
  const isCommitted =
    number < Number(least) || (number < Number(next) && !ongoing!.split(",").includes(move.transaction));
  return isCommitted && move.at < by.begunAt;
}
