// Which files write a state column of history. Pure; state-columns.test.ts holds the tree to its list.
import type { SourceFile } from "./source-file.ts";

const tables = "(?:executions|stages|assignments|steps|tries)";
/** `update automation.steps s set …` up to where the assignments of that statement end. */
const update = new RegExp(
  `update\\s+automation\\.${tables}\\b[\\s\\S]*?\\bset\\b([\\s\\S]*?)(?:\\bwhere\\b|\\breturning\\b|$)`,
  "gi",
);
const insert = new RegExp(`insert\\s+into\\s+automation\\.${tables}\\s*\\(([^)]*)\\)`, "gi");
const upsert = /\bdo\s+update\s+set\b([\s\S]*?)(?:\bwhere\b|\breturning\b|$)/gi;

export function writesState(file: SourceFile): boolean {
  return file.sql.some(
    (text) =>
      matches(text, update, /\bstate\s*=/) ||
      matches(text, insert, /\bstate\b/) ||
      matches(text, upsert, /\bstate\s*=/),
  );
}

function matches(text: string, statement: RegExp, column: RegExp): boolean {
  return [...text.matchAll(statement)].some(([, part]) => column.test(part!));
}
