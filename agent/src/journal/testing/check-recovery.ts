// Opens what a crash left of a journal and judges it: everything that was reported durable is there, nothing that was
// never asked for, in order, and the work can go on from there. Used by the fault tests.
import { join } from "node:path";
import { MemoryJournal } from "../memory-journal.ts";
import { SqliteJournal } from "../sqlite-journal.ts";
import { describeState, statesOfWorkload, workloadCommit, workloadCommits } from "./journal-workload.ts";

const expected = statesOfWorkload(new MemoryJournal());

/** What the crashed program had said. */
export interface Told {
  /** The newest commit that it reported. */
  durable: number;
  /** The newest that it had begun. */
  begun: number;
}

export function toldBy(lines: readonly string[]): Told {
  const newest = (word: string) =>
    Math.max(0, ...lines.filter((line) => line.startsWith(`${word} `)).map((line) => Number(line.split(" ")[1])));
  const durable = newest("durable");
  return { durable, begun: Math.max(durable, newest("begin")) };
}

/** Empty when all is well, else what is wrong. */
export function checkRecovery(folder: string, told: Told): string {
  let journal: SqliteJournal;
  try {
    journal = new SqliteJournal({ path: join(folder, "journal.db") });
  } catch (error) {
    return `it was refused: ${(error as Error).message}`;
  }
  try {
    const found = expected.indexOf(describeState(journal));
    if (found < 0) return `it holds what nobody recorded: ${describeState(journal)}`;
    if (found < told.durable) return `commit ${told.durable} was durable, and only ${found} are there`;
    if (found > told.begun) return `commit ${found} is there, and only ${told.begun} had begun`;
    for (let n = found + 1; n <= workloadCommits; n++) workloadCommit(journal, n);
    return describeState(journal) === expected.at(-1) ? "" : "the work cannot go on from it";
  } finally {
    journal.close();
  }
}
