// Reads the whole journal once at start and refuses one that is not what was written: a bit that flipped, pages that a
// disk lost, a copy that is older than what the agent had reported. sqlite-journal.ts calls it.
import type { DatabaseSync } from "node:sqlite";
import { JournalDamaged } from "./journal-problems.ts";
import type { PositionWitness } from "./position-witness.ts";
import { checkRow } from "./row-checksum.ts";
import { countRows, describeRows, journalTables } from "./sqlite-schema.ts";

/** Throws JournalDamaged. 1 ms for an ordinary journal, about 10 ms for one with 10,000 events. */
export function verifyJournal(db: DatabaseSync, witness: PositionWitness): void {
  checkStructure(db);
  for (const table of journalTables)
    for (const row of db.prepare(`select * from ${table}`).iterate()) checkRow(table, row);
  const meta = readMeta(db);
  if (meta.rows !== describeRows(countRows(db))) throw new JournalDamaged("rows are missing");
  checkSequences(db);
  const { found } = witness;
  if (found === undefined) return;
  if (found.journalId !== meta.id) throw new JournalDamaged("another journal was put in its place");
  if (found.position > (meta.position as bigint)) {
    const missing = found.position - (meta.position as bigint);
    throw new JournalDamaged(`its last ${missing} of ${found.position} records are gone`);
  }
}

export function readMeta(db: DatabaseSync): Record<string, unknown> {
  const rows = db.prepare("select name, value from meta").all();
  const meta = Object.fromEntries(rows.map((row) => [row.name as string, row.value]));
  for (const name of ["id", "position", "pruned_fence", "rows"])
    if (meta[name] === undefined) throw new JournalDamaged(`it does not say its ${name}`);
  return meta;
}

// Not the full integrity check: that one adds indexes, and these tables have none of their own.
function checkStructure(db: DatabaseSync): void {
  const [first] = db.prepare("pragma quick_check(1)").all();
  if (first?.quick_check !== "ok") throw new JournalDamaged(String(first?.quick_check ?? "it cannot be read"));
}

function checkSequences(db: DatabaseSync): void {
  const broken = db
    .prepare(
      `select a.fence from attempts a
       where a.last_seq <> (select count(*) from events e where e.fence = a.fence)
          or a.last_seq <> (select coalesce(max(seq), 0) from events e where e.fence = a.fence)`,
    )
    .get();
  if (broken !== undefined) throw new JournalDamaged(`events of attempt ${broken.fence} are missing`);
}
