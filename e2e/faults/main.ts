// Runs the fault test that the command line names, and ends with 1 when a promise was broken. Called by
// scripts/faults.mjs (npm run faults, npm run chaos).
import { adoptCommand } from "./adopt.ts";
import { ambiguousCommand } from "./ambiguous.ts";
import { backupCommand } from "./backup.ts";
import { cancelCommand } from "./cancel.ts";
import { chaosCommand } from "./chaos.ts";
import { clockCommand } from "./clock.ts";
import { diskCommand } from "./disk.ts";
import { runningStacks } from "./fault-stack.ts";
import { journalCommand } from "./journal.ts";
import { partitionCommand } from "./partition.ts";
import { pauseCommand } from "./pause.ts";
import { poisonCommand } from "./poison.ts";
import { pressureCommand } from "./pressure.ts";

/** Each resolves with the exit code of the program. */
const commands: Record<string, (args: string[]) => Promise<number>> = {
  backup: backupCommand,
  cancel: cancelCommand,
  adopt: adoptCommand,
  chaos: chaosCommand,
  clock: clockCommand,
  ambiguous: ambiguousCommand,
  disk: diskCommand,
  journal: journalCommand,
  partition: partitionCommand,
  pause: pauseCommand,
  poison: poisonCommand,
  pressure: pressureCommand,
};

const [name = "", ...args] = process.argv.slice(2);
const command = commands[name];
if (!command) {
  process.stderr.write(
    `Usage: npm run faults -- ${Object.keys(commands).join(" | ")} [--seed S] [--report FOLDER] …\n`,
  );
  process.exit(2);
}
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    process.stdout.write("Interrupted: stopping what runs, without a verdict.\n");
    void Promise.allSettled([...runningStacks].map((faults) => faults.stop())).then(() => process.exit(130));
  });
process.exit(await command(args));
