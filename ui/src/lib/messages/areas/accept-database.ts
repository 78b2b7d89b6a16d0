// The dialog that accepts a restored database.
import { area } from "./area.ts";

export const acceptDatabase = area({
  title: "Accept this database?",
  text: "Do this when the restore was on purpose and this is the right backup. If it is not, stop the controller and restore the right one.",
  what: "What happens then",
  effects: [
    "Agents connect again and tell every outcome that they kept: it is recorded here, and nothing is started twice.",
    "Work that was queued in the backup and may have run since is shown as lost; you decide about a retry.",
    "What was created after the restore starts.",
    "Executions, jobs and changes made after the backup are gone from here; the hosts' own state is not.",
  ],
  why: "Why it was paused",
  behind: (bytes: string) => `At least ${bytes} of the database's log are missing here.`,
  restored: "This database runs since",
  reason: "Reason",
  reasonHint: "Which backup, and why. Kept in the audit log.",
  reasonMissing: "Say why; it is kept in the audit log.",
  submit: "Accept this database",
  close: "Keep work paused",
  done: "The database is accepted: work goes on.",
});
