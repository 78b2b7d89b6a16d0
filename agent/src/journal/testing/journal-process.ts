// The program that the fault tests crash: goes through the workload on a sqlite journal from wherever that stands, and
// says on standard output what is durable once it is.
import { writeSync } from "node:fs";
import { join } from "node:path";
import { makePrivateFolder } from "../../link/durable-file.ts";
import { JournalFull } from "../journal-problems.ts";
import { MemoryJournal } from "../memory-journal.ts";
import { SqliteJournal } from "../sqlite-journal.ts";
import { describeState, statesOfWorkload, workloadCommit, workloadCommits } from "./journal-workload.ts";

const say = (line: string) => void writeSync(1, `${line}\n`);

function run(folder: string): void {
  makePrivateFolder(folder);
  const journal = new SqliteJournal({ path: join(folder, "journal.db") });
  const done = statesOfWorkload(new MemoryJournal()).indexOf(describeState(journal));
  say(`durable ${done}`);
  for (let n = done + 1; n <= workloadCommits; n++) {
    say(`begin ${n}`);
    try {
      workloadCommit(journal, n);
    } catch (error) {
      // The full disk has space again at the next try, as far as this program knows.
      say(`failed ${n} ${journal.poisoned() === "" ? "" : "poisoned"} ${(error as Error).message}`);
      if (!(error instanceof JournalFull)) return;
      n -= 1;
      continue;
    }
    say(`durable ${n}`);
  }
  journal.close();
  say("closed");
}

try {
  run(process.argv[2]!);
} catch (error) {
  say(`refused ${(error as Error).message}`);
  process.exitCode = 3;
}
