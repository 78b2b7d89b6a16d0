// What an error says about the database as a whole, and about the work that met it. Called by the controller where
// clients and operators are told.
import { isLostConnection, type LostOutcome, TransactionLost } from "./transaction-lost.ts";

export interface DatabaseTrouble {
  /**
   * - `away`: no connection, or PostgreSQL is starting or ending.
   * - `full`: no space where its files are. - `broken`: it cannot read or write them.
   * - `busy`: out of connections or memory.
   */
  kind: "away" | "full" | "broken" | "busy";
  outcome: LostOutcome;
}

/** Undefined for an error that is about the work and not about the database. */
export function databaseTrouble(error: unknown): DatabaseTrouble | undefined {
  if (error instanceof TransactionLost) return { kind: kindOf(causeOf(error)) ?? "away", outcome: error.outcome };
  if (isLostConnection(error)) return { kind: kindOf(causeOf(error)) ?? "away", outcome: outcomeOf(error) };
  const kind = kindOf(error);
  if (kind) return { kind, outcome: "rolled back" };
  const cause = causeOf(error);
  return cause === undefined ? undefined : databaseTrouble(cause);
}

const causeOf = (error: unknown): unknown => (error as { cause?: unknown } | undefined)?.cause;

/** By PostgreSQL's error codes: https://www.postgresql.org/docs/18/errcodes-appendix.html */
function kindOf(error: unknown): DatabaseTrouble["kind"] | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  if (typeof code !== "string") return undefined;
  if (code === "53100") return "full";
  if (/^(58000|58030|XX001|XX002)$/.test(code)) return "broken";
  if (/^53[0-9A-Z]{3}$/.test(code)) return "busy";
  return /^(57P0[1-5]|08[0-9A-Z]{3})$/.test(code) ? "away" : undefined;
}

/** A statement outside of a transaction is one: only of those that read, or were not sent, the outcome is known. */
function outcomeOf(error: unknown): LostOutcome {
  const { code, query } = error as { code?: string; query?: unknown };
  if (["ECONNREFUSED", "CONNECT_TIMEOUT", "ENOENT", "CONNECTION_ENDED"].includes(code!)) return "rolled back";
  return typeof query === "string" && /^\s*select\b/i.test(query) ? "rolled back" : "unknown";
}
