// What a client is told when the database failed under its request: whether it may have happened, and what to do now.
// Called by problem.ts.
import { OcError } from "@opsconductor/contract/errors";
import { type DatabaseTrouble, databaseTrouble } from "@opsconductor/database/database-trouble";

export interface FailedRequest {
  method: string;
  /** It carried an Idempotency-Key, and the route takes one. */
  hasKey: boolean;
  /** What is known to be wrong: a PostgreSQL that cannot start on a full disk answers like one that is away. */
  known?: DatabaseTrouble["kind"] | undefined;
}

const reasons: Record<DatabaseTrouble["kind"], string> = {
  away: "The database does not answer right now",
  full: "The disk of the database is full: free space where PostgreSQL keeps its files",
  broken: "The database cannot read or write its files: look at its disk and at PostgreSQL's log",
  busy: "The database has no connections or no memory left",
};
const retryAfterSeconds: Record<DatabaseTrouble["kind"], number> = { away: 1, full: 10, broken: 10, busy: 2 };

export function explainTrouble(error: unknown, request: FailedRequest): OcError | undefined {
  const found = databaseTrouble(error);
  if (!found) return undefined;
  const trouble = found.kind === "away" && request.known ? { ...found, kind: request.known } : found;
  const reads = request.method === "GET" || request.method === "HEAD";
  if (trouble.outcome === "unknown" && !reads && !request.hasKey)
    return new OcError(
      "outcome_unknown",
      `${reasons[trouble.kind]}, and it is not known whether this was done: look before you send it again.`,
      { cause: error },
    );
  return new OcError("unavailable", `${reasons[trouble.kind]}. ${advice(trouble, request, reads)}`, {
    cause: error,
    retryAfterSeconds: retryAfterSeconds[trouble.kind],
  });
}

function advice({ outcome }: DatabaseTrouble, { hasKey }: FailedRequest, reads: boolean): string {
  if (reads) return "Try again in a moment.";
  if (outcome === "rolled back") return "Nothing was changed; try again in a moment.";
  return hasKey
    ? "It is not known whether this was done: send the same request with the same Idempotency-Key again, and it is done once."
    : "Try again in a moment.";
}
