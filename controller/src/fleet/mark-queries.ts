// SQL of the database's mark: what this database is, how far it has come, and which of its starts told of what. Called by
// database-mark.ts and pause-dispatch.ts.
import type { Query } from "../context.ts";

export interface DatabasePlace {
  systemId: string;
  generation: number;
  position: bigint;
  /** Null: PostgreSQL was started since somebody looked. */
  life: string | null;
  lifeRegisteredAt: Date | null;
  pausedAt: Date | null;
}

export async function selectPlace(q: Query): Promise<DatabasePlace> {
  const [row] = await q<[DatabasePlace]>`
    select p.system_id, c.generation, pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::bigint as position,
      l.id as life, l.registered_at as life_registered_at, c.dispatch_paused_at as paused_at
    from fleet.cluster c cross join (select system_identifier::text as system_id from pg_control_system()) p
    left join fleet.database_lives l on l.system_id = p.system_id and l.started_at = pg_postmaster_start_time()`;
  return row;
}

/** Safe to repeat and to race. */
export async function insertLife(tx: Query, id: string, at: Date): Promise<void> {
  await tx`
    insert into fleet.database_lives (id, system_id, started_at, position, registered_at)
    select ${id}, system_identifier::text, pg_postmaster_start_time(),
      pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::bigint, ${at}
    from pg_control_system() on conflict (system_id, started_at) do nothing`;
  await tx`update fleet.cluster set life_started_at = pg_postmaster_start_time()`;
}

/** Where the life that `id` names began and ended; undefined when this database never had it. */
export async function selectLife(q: Query, id: string): Promise<{ next: bigint | null } | undefined> {
  const [row] = await q<{ next: bigint | null }[]>`
    select (select min(n.position) from fleet.database_lives n where n.position > l.position) as next
    from fleet.database_lives l where l.id = ${id}`;
  return row;
}

export async function pauseRow(q: Query, at: Date, detail: object): Promise<boolean> {
  const rows = await q`
    update fleet.cluster set dispatch_paused_at = ${at}, dispatch_paused = ${q.json(detail as never)}
    where dispatch_paused_at is null returning 1`;
  return rows.length > 0;
}

export interface PauseRow {
  generation: number;
  pausedAt: Date | null;
  paused: Record<string, unknown> | null;
}

export async function selectPause(q: Query, { lock = false } = {}): Promise<PauseRow> {
  const [row] = await q<[PauseRow]>`
    select generation, dispatch_paused_at as paused_at, dispatch_paused as paused from fleet.cluster
    ${lock ? q`for update` : q``}`;
  return row;
}

/** New fences are higher than any that the lost history can have given. */
export async function acceptRow(tx: Query, restoredAt: Date): Promise<number> {
  const [row] = await tx<[{ generation: number }]>`
    update fleet.cluster set generation = generation + 1, dispatch_paused_at = null, dispatch_paused = null,
      restored_at = ${restoredAt}
    returning generation`;
  return row.generation;
}
