// Every refusal of the REST API as problem+json (RFC 9457): the one mapping of errors to answers.
import type { Problem } from "@opsconductor/contract/api/common";
import { type ErrorCode, errorStatus, OcError } from "@opsconductor/contract/errors";
import { HTTPException } from "hono/http-exception";
import type { Context } from "../context.ts";
import { explainTrouble } from "./explain-trouble.ts";
import { loggedPath } from "./logged-path.ts";
import type { Http } from "./router.ts";

const titles: Record<ErrorCode, string> = {
  invalid_argument: "The request is not valid",
  unauthenticated: "Sign in first",
  permission_denied: "Not allowed",
  second_factor_required: "The second factor is missing",
  password_change_required: "The password must be changed first",
  second_factor_setup_required: "A second factor must be set up first",
  reauthentication_required: "A fresh proof is needed",
  not_found: "Not found",
  method_not_allowed: "Method not allowed",
  conflict: "Already exists",
  failed_precondition: "Not possible in this state",
  version_mismatch: "Somebody else changed it meanwhile",
  payload_too_large: "Too large",
  unsupported_media_type: "Content type not supported",
  unprocessable: "Understood, but not possible",
  rate_limited: "Too many requests",
  internal: "Something went wrong here",
  unavailable: "Not available right now",
  outcome_unknown: "Not known whether it was done",
};

const codesByStatus: Record<number, ErrorCode> = {
  400: "invalid_argument",
  401: "unauthenticated",
  403: "permission_denied",
  404: "not_found",
  405: "method_not_allowed",
  413: "payload_too_large",
  415: "unsupported_media_type",
  429: "rate_limited",
};

type Answering = Pick<Context, "log" | "databaseTrouble">;

/** For `app.onError`: logs what nobody expected, answers what somebody can act on. */
export function answerError({ log, databaseTrouble }: Answering, error: Error, c: Http): Response {
  const known = asOcError(error, c, databaseTrouble());
  const requestId = c.get("requestId");
  const request = { requestId, method: c.req.method, path: loggedPath(c) };
  if (known.code === "internal") log.error({ err: error, ...request }, "request.failed");
  else if (known.code === "unavailable" || known.code === "outcome_unknown")
    log.warn({ reason: error.message, ...request }, "request.unavailable");
  return problemResponse(c, known);
}

export function problemOf(code: ErrorCode, detail: string, requestId: string): Problem {
  const type = `urn:opsconductor:problem:${code}`;
  return { type, title: titles[code], status: errorStatus[code], detail, code, requestId };
}

function problemResponse(c: Http, error: OcError): Response {
  const status = errorStatus[error.code];
  const problem = problemOf(error.code, error.message, c.get("requestId"));
  const body: Problem = {
    ...problem,
    ...(error.errors ? { errors: error.errors } : {}),
    ...(error.proof ? { proof: error.proof } : {}),
    ...(error.missing ? { missing: error.missing } : {}),
  };
  c.header("Content-Type", "application/problem+json");
  c.header("Cache-Control", "no-store");
  if (error.retryAfterSeconds) c.header("Retry-After", String(error.retryAfterSeconds));
  if (error.code === "unauthenticated") c.header("WWW-Authenticate", "Bearer");
  return c.body(JSON.stringify(body), status);
}

function asOcError(error: Error, c: Http, trouble: ReturnType<Answering["databaseTrouble"]>): OcError {
  if (error instanceof OcError) return error;
  if (error instanceof HTTPException) return fromHttp(error);
  const explained = explainTrouble(error, { method: c.req.method, hasKey: takesKey(c), known: trouble });
  if (explained) return explained;
  return new OcError("internal", "An unexpected error happened; the log has it under this request id.", {
    cause: error,
  });
}

/** Only where the key is kept: anywhere else the same request again might be done again. */
const takesKey = (c: Http): boolean =>
  /\/(execute|retry-failed)$/.test(c.req.path) && c.req.header("Idempotency-Key") !== undefined;

/** Thrown by the framework before our code: malformed JSON, a content type that the route does not take. */
function fromHttp(error: HTTPException): OcError {
  const code = codesByStatus[error.status] ?? (error.status < 500 ? "invalid_argument" : "internal");
  const detail =
    code === "unsupported_media_type"
      ? "This route does not take that Content-Type; send application/json."
      : error.message;
  return new OcError(code, detail || titles[code], { cause: error });
}
