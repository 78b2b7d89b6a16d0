// One line for what failed beside a request: a round of a background duty, a call of an agent. The database's trouble has
// an event of its own (database-watch.ts), so those that meet it every second say no more than that they did.
import { databaseTrouble } from "@opsconductor/database/database-trouble";
import type { Logger } from "pino";

export function logDutyFailure(log: Logger, duty: string, error: unknown): void {
  logFailure(log, error, { duty }, { postponed: "duty.postponed", failed: "duty.failed" });
}

/** `events`: what the log calls it when the database is away and it comes again, and when it is a mistake of ours. */
export function logFailure(
  log: Logger,
  error: unknown,
  fields: object,
  events: { postponed: string; failed: string },
): void {
  const trouble = databaseTrouble(error);
  if (trouble) log.warn({ ...fields, reason: (error as Error).message, trouble: trouble.kind }, events.postponed);
  else log.error({ err: error, ...fields }, events.failed);
}
