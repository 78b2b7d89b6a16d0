// What of a provider's words about a person matters here. Pure.
import { userInput } from "@opsconductor/contract/api/users";
import { oneLine } from "@opsconductor/contract/one-line";

export interface OidcPerson {
  subject: string;
  /** A name that an account here can have; undefined when the claim is missing or fits no account. */
  username: string | undefined;
  displayName: string;
  email: string | null;
  groups: string[];
  /** The session there, which the provider names again when it ends. */
  sid: string | null;
  /** The provider says that it asked for more than a password (RFC 8176). */
  isMultiFactor: boolean;
}

type Claims = Readonly<Record<string, unknown>>;

export function readPerson(subject: string, claims: Claims, names: { username: string; groups: string }): OidcPerson {
  const username = textOf(claimAt(claims, names.username));
  const email = textOf(claims.email);
  return {
    subject,
    username: userInput.shape.username.safeParse(username).data,
    displayName: oneLine((textOf(claims.name) ?? "").slice(0, 128)),
    email:
      email && claims.email_verified !== false && /^[^\s@]{1,64}@[^\s@]{1,189}$/.test(email) && oneLine(email) === email
        ? email
        : null,
    groups: [claimAt(claims, names.groups) ?? []].flat().flatMap((group) => textOf(group) ?? []),
    sid: textOf(claims.sid)?.slice(0, 255) ?? null,
    isMultiFactor: [claims.amr ?? []].flat().some((method) => method === "mfa"),
  };
}

/** A name with dots may be one claim of that name (as URLs are), or lie deeper. */
function claimAt(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let at: unknown = claims;
  for (const key of name.split(".")) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Claims)[key];
  }
  return at;
}

/** Of text that a database can store. */
function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" && !value.includes("\0") && value.isWellFormed() ? value : undefined;
}
