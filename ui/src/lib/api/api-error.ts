// What a failed request becomes: the server's problem+json, or a network failure, with one code to map to words.
import type { FieldError, ProofNeeded } from "@opsconductor/contract/errors";
import type { Problem } from "./types.ts";

/** `offline` is ours: the request never got an answer. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string;
  readonly requestId: string | undefined;
  readonly errors: FieldError[];
  /** What would prove the caller; with `second_factor_required`. */
  readonly proof: ProofNeeded | undefined;

  constructor(
    init: {
      status: number;
      code: string;
      detail: string;
      requestId?: string;
      errors?: FieldError[];
      proof?: ProofNeeded;
    },
    cause?: unknown,
  ) {
    super(init.detail, cause === undefined ? undefined : { cause });
    this.status = init.status;
    this.code = init.code;
    this.requestId = init.requestId;
    this.errors = init.errors ?? [];
    this.proof = init.proof;
  }

  /** The message for one input, by the dotted path the server named. */
  fieldMessage(path: string): string | undefined {
    return this.errors.find((error) => error.path === path || error.path.startsWith(`${path}.`))?.message;
  }
}

/** Reads a failed response; anything that is not problem+json (a proxy's page, say) keeps its status. */
export async function readApiError(response: Response): Promise<ApiError> {
  const fallback = { status: response.status, code: codeOfStatus(response.status), detail: "" };
  if (!response.headers.get("content-type")?.includes("json")) return new ApiError(fallback);
  try {
    const problem = (await response.json()) as Partial<Problem>;
    return new ApiError({
      status: response.status,
      code: problem.code ?? fallback.code,
      detail: problem.detail ?? problem.title ?? "",
      requestId: problem.requestId,
      errors: problem.errors,
      proof: problem.proof,
    });
  } catch (cause) {
    return new ApiError(fallback, cause);
  }
}

function codeOfStatus(status: number): string {
  if (status === 401) return "unauthenticated";
  if (status === 403) return "permission_denied";
  if (status === 404) return "not_found";
  if (status === 429) return "rate_limited";
  return status === 502 || status === 503 || status === 504 ? "unavailable" : "internal";
}
