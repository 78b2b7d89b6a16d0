// The tables of the sqlite journal and the guard against a file written by a newer agent.
import { randomUUID } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";

const journalSchemaVersion = 1;

// Offers apart from attempts: SQLite rewrites a whole row on update, and definitions may be large.
const version1 = `
create table meta (name text primary key, value any not null) without rowid, strict;
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
  last_event_at_ms integer not null
) strict;
create table offers (fence integer primary key, offer text not null, definition blob not null) strict;
create table events (
  fence integer not null,
  seq integer not null,
  at_ms integer not null,
  monotonic_ms real not null,
  boot_id text not null,
  body text not null,
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
  primary key (fence, step_id, try)
) without rowid, strict;
`;

/** Makes or checks the tables. Throws when the file is newer than this program. */
export function prepareSchema(db: DatabaseSync, path: string): void {
  const found = Number(db.prepare("pragma user_version").get()?.user_version);
  if (found === journalSchemaVersion) return;
  if (found > journalSchemaVersion)
    throw new Error(
      `The journal ${path} has schema version ${found}, this agent knows ${journalSchemaVersion}. Install the newer agent again.`,
    );
  db.exec("begin immediate");
  db.exec(version1);
  const meta = db.prepare("insert into meta (name, value) values (?, ?)");
  meta.run("id", randomUUID());
  meta.run("position", 0n);
  meta.run("pruned_fence", 0n);
  db.exec(`pragma user_version = ${journalSchemaVersion}`);
  db.exec("commit");
}
