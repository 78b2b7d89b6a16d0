// SQL of the cluster's one row, the controllers' leases, and facts about the database itself.
import type { Query } from "../context.ts";

export interface ClusterRow {
  id: string;
  keyCheck: Buffer | null;
}

export async function selectCluster(sql: Query): Promise<ClusterRow | undefined> {
  const [row] = await sql<ClusterRow[]>`select id, key_check from fleet.cluster`;
  return row;
}

/** The first of several controllers wins; the others read what it wrote. */
export async function insertClusterOnce(sql: Query, id: string, keyCheck: Buffer): Promise<void> {
  await sql`insert into fleet.cluster (id, key_check) values (${id}, ${keyCheck}) on conflict do nothing`;
}

export interface ControllerRow {
  id: string;
  startedAt: Date;
  leaseSeconds: number;
  version: string;
  hostname: string;
}

export async function insertController(sql: Query, c: ControllerRow): Promise<void> {
  await sql`insert into fleet.controllers (id, started_at, lease_until, version, hostname)
    values (${c.id}, ${c.startedAt}, now() + make_interval(secs => ${c.leaseSeconds}), ${c.version}, ${c.hostname})`;
}

/**
 * By the database's clock, which is also who judges it: a controller whose own clock is wrong is no less alive. False
 * when the row is gone: another controller found the lease long over and removed it.
 */
export async function renewLease(sql: Query, id: string, leaseSeconds: number): Promise<boolean> {
  const { count } = await sql`
    update fleet.controllers set lease_until = now() + make_interval(secs => ${leaseSeconds}) where id = ${id}`;
  return count > 0;
}

export async function deleteController(sql: Query, id: string): Promise<void> {
  await sql`delete from fleet.controllers where id = ${id}`;
}

/** Rows of processes that were killed; a day is longer than any pause that a live one comes back from. */
export async function deleteAbandonedControllers(sql: Query): Promise<void> {
  await sql`delete from fleet.controllers where lease_until < now() - interval '1 day'`;
}

export async function selectController(sql: Query, id: string): Promise<{ startedAt: Date } | undefined> {
  const [row] = await sql<{ startedAt: Date }[]>`select started_at from fleet.controllers where id = ${id}`;
  return row;
}

export interface DatabaseFacts {
  version: string;
  schemaVersion: number;
  sizeBytes: bigint;
}

export async function selectDatabaseFacts(sql: Query): Promise<DatabaseFacts> {
  const [row] = await sql<DatabaseFacts[]>`
    select split_part(current_setting('server_version'), ' ', 1) as version,
      (select max(version) from public.schema_migrations) as schema_version,
      pg_database_size(current_database()) as size_bytes`;
  return row!;
}

export async function ping(sql: Query): Promise<void> {
  await sql`select 1`;
}

/** What decides whether a commit that was answered survives a crash. */
export async function selectDurability(sql: Query): Promise<Record<string, string>> {
  const rows = await sql<{ name: string; value: string }[]>`
    select name, current_setting(name) as value from unnest(array['fsync', 'synchronous_commit', 'full_page_writes']) as name`;
  return Object.fromEntries(rows.map((row) => [row.name, row.value]));
}
