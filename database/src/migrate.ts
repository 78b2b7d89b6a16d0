// Brings a database to the schema of this program: plain SQL files in order, forward only, each in a transaction.
// Called by the controller's start, by `opsconductor migrate` and by the test harness, as the role that owns the tables.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Sql } from "./connect.ts";

export interface Migration {
  version: number;
  name: string;
  sql: string;
  sha256: string;
}

/** What keeps the program from using a database, in words for its operator. */
export class MigrationRefused extends Error {
  override readonly name = "MigrationRefused";
}

const root = new URL("../", import.meta.url);
/** Any constant will do, as long as every controller of every version uses the same. */
const lockKey = 0x0c5c4e4d;

export function readMigrations(folder = fileURLToPath(new URL("migrations/", root))): Migration[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".sql"))
    .sort()
    .map((name) => {
      const sql = readFileSync(`${folder}/${name}`, "utf8");
      return { version: Number.parseInt(name, 10), name, sql, sha256: createHash("sha256").update(sql).digest("hex") };
    });
}

/** Applies what is missing and grants `appRole` its rights. Several controllers may call this at once: one works. */
export async function migrate(
  owner: Sql,
  appRole: string,
  migrations = readMigrations(),
): Promise<{ applied: string[] }> {
  const connection = await owner.reserve();
  try {
    await connection`select pg_advisory_lock(${lockKey})`;
    try {
      return { applied: await applyMissing(connection, appRole, migrations) };
    } finally {
      await connection`select pg_advisory_unlock(${lockKey})`;
    }
  } finally {
    connection.release();
  }
}

async function applyMissing(connection: Sql, appRole: string, migrations: Migration[]): Promise<string[]> {
  await connection`create table if not exists public.schema_migrations (
    version integer primary key, name text not null, sha256 text not null,
    applied_at timestamptz not null default now())`;
  const done = await connection<
    Migration[]
  >`select version, name, sha256 from public.schema_migrations order by version`;
  refuseUnknown(done, migrations);
  const missing = migrations.filter((m) => !done.some((d) => d.version === m.version));
  for (const migration of missing) await applyOne(connection, migration);
  await grant(connection, appRole);
  await connection`select automation.ensure_partitions((now() - interval '1 month')::date, 4)`;
  return missing.map((m) => m.name);
}

function refuseUnknown(done: readonly Migration[], migrations: Migration[]): void {
  const newest = migrations.at(-1)?.version ?? 0;
  const beyond = done.find((d) => d.version > newest);
  if (beyond)
    throw new MigrationRefused(
      `The database is newer than this program: it has schema version ${done.at(-1)!.version}, this program knows up ` +
        `to ${newest}. Start the newer OpsConductor again, or restore a backup made before the upgrade.`,
    );
  for (const d of done) {
    const file = migrations.find((m) => m.version === d.version);
    if (file?.sha256 === d.sha256) continue;
    throw new MigrationRefused(
      `The database was made with another ${d.name} than this program has: a migration must not change once it was ` +
        "applied. Use the program that made it; a database that holds nothing of value can be removed instead.",
    );
  }
}

/** `unsafe` without parameters is the simple protocol: many statements, and begin/commit stay on this connection. */
async function applyOne(connection: Sql, migration: Migration): Promise<void> {
  try {
    await connection.unsafe("begin");
    await connection.unsafe(migration.sql);
    const { version, name, sha256 } = migration;
    await connection`insert into public.schema_migrations (version, name, sha256) values (${version}, ${name}, ${sha256})`;
    await connection.unsafe("commit");
  } catch (cause) {
    await connection.unsafe("rollback");
    throw new Error(`Migration ${migration.name} failed and changed nothing: ${(cause as Error).message}`, { cause });
  }
}

async function grant(connection: Sql, appRole: string): Promise<void> {
  const grants = readFileSync(new URL("grants.sql", root), "utf8");
  const name = `"${appRole.replaceAll('"', '""')}"`;
  await connection.unsafe(grants.replaceAll(":app", name));
}

/** The newest version this program knows. */
export function programSchemaVersion(): number {
  return readMigrations().at(-1)!.version;
}
