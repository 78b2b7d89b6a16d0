// Opens the sqlite journal's file for one agent alone and turns SQLite's refusals into words that say what to do.
import { DatabaseSync } from "node:sqlite";
import { JournalDamaged } from "./journal-problems.ts";
import type { PositionWitness } from "./position-witness.ts";
import { prepareSchema } from "./sqlite-schema.ts";
import { verifyJournal } from "./verify-journal.ts";

/** SQLite's result codes, the low byte of its extended ones. */
export const sqliteCode = { busy: 5, ioError: 10, corrupt: 11, full: 13, notADatabase: 26 } as const;

export function codeOf(error: unknown): number {
  return ((error as { errcode?: number }).errcode ?? 0) & 0xff;
}

/** Verified, and with an empty WAL. Throws when it cannot be used, with what to do. */
export function openDatabase(path: string, witness: PositionWitness): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { readBigInts: true });
    // Checkpoints are made by the journal itself: SQLite's automatic ones keep their errors to themselves.
    db.exec(`pragma locking_mode = exclusive; pragma busy_timeout = 0; pragma cell_size_check = on;
      pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 0`);
    prepareSchema(db, path);
    verifyJournal(db, witness);
    emptyWal(db);
    return db;
  } catch (error) {
    closeQuietly(db);
    throw explain(error, path);
  }
}

// What a crash left behind the last whole commit must not be taken for the rest of a later one.
function emptyWal(db: DatabaseSync): void {
  try {
    db.exec("pragma wal_checkpoint(truncate)");
  } catch (error) {
    if (codeOf(error) !== sqliteCode.full) throw error; // a later one does it
  }
}

function explain(error: unknown, path: string): unknown {
  const { message } = error as Error;
  switch (codeOf(error)) {
    case sqliteCode.busy:
      return new Error(`Another agent is running on ${path}. Stop it first.`, { cause: error });
    case sqliteCode.corrupt:
    case sqliteCode.notADatabase:
      return new JournalDamaged(`${message}. ${advice(path)}`, { cause: error });
    case sqliteCode.ioError:
      return new Error(`The journal ${path} cannot be read (${message}). Check the disk.`, { cause: error });
  }
  return error instanceof JournalDamaged
    ? new JournalDamaged(`${error.what}. ${advice(path)}`, { cause: error })
    : error;
}

function advice(path: string): string {
  return (
    "Nothing is started, because what ran before could run again. Check the disk and put an intact copy back; " +
    `or move ${path}* and the folder work beside it away to begin with an empty journal: what ran here is then lost`
  );
}

function closeQuietly(db: DatabaseSync | undefined): void {
  try {
    if (db?.isOpen) db.close();
  } catch {
    // the error that brought us here says more
  }
}
