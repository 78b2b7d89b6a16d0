// What a transaction throws when its connection was lost, with what is known about its outcome. Made by connect.ts;
// http/problem.ts tells clients.

/**
 * - `rolled back`: COMMIT had not been sent, so PostgreSQL undid it. To do it again is safe.
 * - `unknown`: the connection was lost between COMMIT and its answer. Only the rows tell what happened.
 */
export type LostOutcome = "rolled back" | "unknown";

export class TransactionLost extends Error {
  override readonly name = "TransactionLost";
  readonly code = "TRANSACTION_LOST";
  readonly outcome: LostOutcome;

  constructor(outcome: LostOutcome, cause: unknown) {
    const why = reasonOf(cause);
    const words = outcome === "unknown" ? "while it was committed: its outcome is not known" : "and was rolled back";
    super(`The transaction lost its connection to the database ${words} (${why})`, { cause });
    this.outcome = outcome;
  }
}

/** PostgreSQL's last words are the cause of the driver's "closed", and say more. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? cause.message : message;
}

const codes = new Set([
  ...["CONNECTION_CLOSED", "CONNECTION_ENDED", "CONNECTION_DESTROYED", "CONNECT_TIMEOUT"],
  ...["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "ERR_STREAM_DESTROYED"],
]);

/** The driver's and the socket's ways to say that there is no connection (any more). */
export function isLostConnection(error: unknown): boolean {
  const { code, syscall } = (error ?? {}) as { code?: unknown; syscall?: unknown };
  if (code === "ENOENT") return syscall === "connect"; // the socket's file, while PostgreSQL restarts
  return typeof code === "string" && codes.has(code);
}

/** The commit may have been done, and nobody was told. */
export function isOutcomeUnknown(error: unknown): boolean {
  return error instanceof TransactionLost && error.outcome === "unknown";
}
