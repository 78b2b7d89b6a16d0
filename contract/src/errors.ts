// The closed list of error codes and their one mapping to HTTP; every refusal of the product carries one.

/** Error codes shared by REST (problem+json `code`), gRPC and the CLI. The number is the HTTP status. */
export const errorStatus = {
  invalid_argument: 400,
  unauthenticated: 401,
  /** The password was right; `proof.challenge` goes to POST /api/v1/auth/login/code with a code. */
  second_factor_required: 401,
  permission_denied: 403,
  /** The account works again after POST /api/v1/auth/password. */
  password_change_required: 403,
  /** A role needs a second factor: the account works again after POST /api/v1/auth/factors/totp, or with a passkey. */
  second_factor_setup_required: 403,
  /** `proof.methods` says with what; the request is good again after POST /api/v1/auth/step-up. */
  reauthentication_required: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  failed_precondition: 409,
  version_mismatch: 412,
  payload_too_large: 413,
  unsupported_media_type: 415,
  unprocessable: 422,
  rate_limited: 429,
  internal: 500,
  unavailable: 503,
  /** The answer of the database was lost: what was asked for may have been done. */
  outcome_unknown: 504,
} as const;

export type ErrorCode = keyof typeof errorStatus;

/** One place in the input that is wrong. `path` is dotted (`inputs.keep_days`), line and column count from 1. */
export interface FieldError {
  path: string;
  message: string;
  line?: number;
  column?: number;
  suggestion?: string;
}

/** What proves the caller where what was sent is not enough. */
export interface ProofNeeded {
  /** Goes back with the proof. */
  challenge?: string;
  /** Any one of: password, totp, passkey, recovery. */
  methods: string[];
  expiresAt?: string;
}

/** What somebody would need who was refused, and who could give it. */
export interface MissingPermission {
  permission: string;
  /** Roles that hold it. */
  roles: string[];
  /** User names. */
  givers: string[];
}

/** The one error class: an expected refusal that ends the request. Messages say what to do next. */
export class OcError extends Error {
  override readonly name = "OcError";
  readonly code: ErrorCode;
  readonly errors: FieldError[] | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly proof: ProofNeeded | undefined;
  readonly missing: MissingPermission | undefined;
  /** The refusal is in the audit log already. */
  readonly audited: boolean;
  constructor(
    code: ErrorCode,
    message: string,
    options?: {
      cause?: unknown;
      errors?: FieldError[];
      retryAfterSeconds?: number;
      proof?: ProofNeeded;
      missing?: MissingPermission;
      audited?: boolean;
    },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.errors = options?.errors;
    this.retryAfterSeconds = options?.retryAfterSeconds;
    this.proof = options?.proof;
    this.missing = options?.missing;
    this.audited = options?.audited ?? false;
  }
}
