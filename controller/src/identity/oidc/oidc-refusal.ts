// Why a sign-on did not work: a closed list, told to the sign-in page in its address and to the audit log.
export const oidcRefusals = [
  "unavailable",
  "untrusted",
  "client_refused",
  "denied",
  "expired",
  "invalid",
  "unknown",
  "name_taken",
  "name_unusable",
  "disabled",
  "no_role",
  "role_missing",
  "last_administrator",
  "linked_elsewhere",
  "session_ended",
] as const;
export type OidcRefusal = (typeof oidcRefusals)[number];

interface Details {
  cause?: unknown;
  user?: { id: string; username: string };
  roles?: readonly string[];
}

export class OidcRefused extends Error {
  override readonly name = "OidcRefused";
  readonly why: OidcRefusal;
  /** Whose sign-in it would have been. */
  readonly user: { id: string; username: string } | undefined;
  /** Of `role_missing`: those that the configuration names and that are not there. */
  readonly roles: readonly string[] | undefined;
  constructor(why: OidcRefusal, { cause, user, roles }: Details = {}) {
    super(`The sign-on was refused: ${why}`, { cause });
    this.why = why;
    this.user = user;
    this.roles = roles;
  }
}
