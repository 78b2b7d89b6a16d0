// The tables of the sqlite journal and the guard against a file written by a newer agent.
import { randomUUID } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { type Cell, rowChecksum } from "./row-checksum.ts";

const journalSchemaVersion = 2;

/** Each with its columns but the last one, `sum`: see row-checksum.ts. */
export const journalTables = ["meta", "attempts", "offers", "events", "outputs"] as const;
export type JournalTable = (typeof journalTables)[number];

// Offers apart from attempts: SQLite rewrites a whole row on update, and definitions may be large.
const tables = `
create table meta (name text primary key, value any not null, sum integer not null default 0) without rowid, strict;
create table attempts (
  fence integer primary key,
  assignment_id text not null,
  attempt integer not null,
  state text not null,
  last_seq integer not null,
  acked_seq integer not null,
  want text not null,
  want_reason text not null,
  release_through_step integer not null,
  last_event_at_ms integer not null,
  sum integer not null default 0
) strict;
create table offers (
  fence integer primary key,
  offer text not null,
  definition blob not null,
  sum integer not null default 0
) strict;
create table events (
  fence integer not null,
  seq integer not null,
  at_ms integer not null,
  monotonic_ms real not null,
  boot_id text not null,
  body text not null,
  sum integer not null default 0,
  primary key (fence, seq)
) without rowid, strict;
create table outputs (
  fence integer not null,
  step_id text not null,
  try integer not null,
  folder text not null,
  acked_offset integer not null,
  total_bytes integer,
  inline blob,
  sum integer not null default 0,
  primary key (fence, step_id, try)
) without rowid, strict;
`;

/** Makes, upgrades or checks the tables. Throws when the file is newer than this program. */
export function prepareSchema(db: DatabaseSync, path: string): void {
  const found = Number(db.prepare("pragma user_version").get()?.user_version);
  if (found === journalSchemaVersion) return;
  if (found > journalSchemaVersion)
    throw new Error(
      `The journal ${path} has schema version ${found}, this agent knows ${journalSchemaVersion}. Install the newer agent again.`,
    );
  db.exec("begin immediate");
  if (found === 1) addChecksums(db);
  else create(db);
  db.exec(`pragma user_version = ${journalSchemaVersion}`);
  db.exec("commit");
}

function create(db: DatabaseSync): void {
  db.exec(tables);
  const meta = db.prepare("insert into meta (name, value, sum) values (?, ?, ?)");
  const values = { id: randomUUID(), position: 0n, pruned_fence: 0n, rows: noRows };
  for (const [name, value] of Object.entries(values)) meta.run(name, value, rowChecksum("meta", [name, value]));
}

/** Rows that vanish leave no wrong checksum, so their number is kept too. */
export type RowCounts = Record<Exclude<JournalTable, "meta">, number>;

export function describeRows(counts: RowCounts): string {
  return `${counts.attempts} ${counts.offers} ${counts.events} ${counts.outputs}`;
}
const noRows = describeRows({ attempts: 0, offers: 0, events: 0, outputs: 0 });

export function countRows(db: DatabaseSync): RowCounts {
  const count = (table: JournalTable) => Number(db.prepare(`select count(*) as n from ${table}`).get()!.n);
  const [attempts, offers] = [count("attempts"), count("offers")];
  return { attempts, offers, events: count("events"), outputs: count("outputs") };
}

// Version 1 had none.
function addChecksums(db: DatabaseSync): void {
  for (const table of journalTables) db.exec(`alter table ${table} add column sum integer not null default 0`);
  db.prepare("insert into meta (name, value) values ('rows', ?)").run(describeRows(countRows(db)));
  for (const table of journalTables) {
    const keys = primaryKey(db, table);
    const update = db.prepare(`update ${table} set sum = ? where ${keys.map((key) => `${key} = ?`).join(" and ")}`);
    for (const row of db.prepare(`select * from ${table}`).all() as Record<string, Cell>[])
      update.run(rowChecksum(table, Object.values(row).slice(0, -1)), ...keys.map((key) => row[key]!));
  }
}

function primaryKey(db: DatabaseSync, table: JournalTable): string[] {
  const columns = db.prepare("select name from pragma_table_info(?) where pk > 0 order by pk").all(table);
  return columns.map((column) => column.name as string);
}
