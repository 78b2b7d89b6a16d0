// One line for a round of a background duty that failed. The database's trouble has an event of its own (database-watch.ts),
// so the duties that meet it every second say no more than that they did. Called by the loops.
import { databaseTrouble } from "@opsconductor/database/database-trouble";
import type { Logger } from "pino";

export function logDutyFailure(log: Logger, duty: string, error: unknown): void {
  const trouble = databaseTrouble(error);
  if (trouble) log.warn({ duty, reason: (error as Error).message, trouble: trouble.kind }, "duty.postponed");
  else log.error({ err: error, duty }, "duty.failed");
}
