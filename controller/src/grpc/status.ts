// The one mapping of our error codes to gRPC's (REST has its own in http/problem.ts).
import { Metadata, type StatusObject, status } from "@grpc/grpc-js";
import { type ErrorCode, OcError } from "@opsconductor/contract/errors";
import type { Logger } from "pino";
import { logFailure } from "../log-failure.ts";

const codes: Partial<Record<ErrorCode, status>> = {
  invalid_argument: status.INVALID_ARGUMENT,
  unauthenticated: status.UNAUTHENTICATED,
  permission_denied: status.PERMISSION_DENIED,
  not_found: status.NOT_FOUND,
  conflict: status.ALREADY_EXISTS,
  failed_precondition: status.FAILED_PRECONDITION,
  version_mismatch: status.ABORTED,
  payload_too_large: status.RESOURCE_EXHAUSTED,
  rate_limited: status.RESOURCE_EXHAUSTED,
  unprocessable: status.INVALID_ARGUMENT,
  unavailable: status.UNAVAILABLE,
  outcome_unknown: status.UNKNOWN,
};

/** An unexpected error is logged here and told as "try again": an agent that retries is better than one that gives up. */
export function statusOf(log: Logger, error: unknown, method: string): StatusObject {
  const metadata = new Metadata();
  if (error instanceof OcError) return { code: codes[error.code] ?? status.UNKNOWN, details: error.message, metadata };
  logFailure(log, error, { method }, { postponed: "call.postponed", failed: "call.failed" });
  return { code: status.UNAVAILABLE, details: "The controller could not do this right now; try again", metadata };
}

/** Ends a stream with the status of `error`. grpc-js turns the event into the status; destroy() would drop it. */
export function endWithError(
  call: { emit(event: "error", error: Error): unknown },
  log: Logger,
  error: unknown,
  method: string,
): void {
  const { code, details, metadata } = statusOf(log, error, method);
  call.emit("error", Object.assign(new Error(details), { code, details, metadata }));
}

/** The value, or undefined after `fail` was told why there is none. */
export function orFail<T>(fail: (error: unknown) => void, make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    fail(error);
    return undefined;
  }
}
