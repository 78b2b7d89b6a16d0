// The checksum that each row of the sqlite journal carries: SQLite's own cover the WAL only, so a bit that flips in the
// main file would be read as truth. The sqlite journal writes it and every reader compares.
import { crc32 } from "node:zlib";
import { JournalDamaged } from "./journal-problems.ts";

export type Cell = null | string | number | bigint | Uint8Array;

/** Over the table's name and all cells in the order of its columns, each with kind and length in front. */
export function rowChecksum(table: string, cells: readonly Cell[]): bigint {
  let sum = crc32(table);
  for (const cell of cells) {
    if (cell instanceof Uint8Array) sum = crc32(cell, crc32(`b${cell.length}:`, sum));
    else sum = crc32(describe(cell), sum);
  }
  return BigInt(sum);
}

/** Throws unless the last column, `sum`, is the checksum of the columns before it. */
export function checkRow(table: string, row: Record<string, unknown>): void {
  const cells = Object.values(row) as Cell[];
  const sum = cells.pop();
  if (sum !== rowChecksum(table, cells)) throw new JournalDamaged(`a row of ${table} is not what was written`);
}

// Integers come back from SQLite as bigint, whatever they were given as.
function describe(cell: null | string | number | bigint): string {
  if (cell === null) return "n";
  return typeof cell === "string" ? `t${cell.length}:${cell}` : `#${cell};`;
}
