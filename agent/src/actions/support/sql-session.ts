// One connection to a database for one statement, the same for every engine, and what is common to them: rows, TLS, and
// what a lost connection means. Used by sql.ts; opened by postgresql-session.ts and mysql-session.ts.
import { checkServerIdentity } from "node:tls";
import type { ActionParameters } from "@opsconductor/contract/job/actions/action-catalogue";
import type { Credential } from "@opsconductor/contract/job/actions/credential-file";

export type SqlParameters = ActionParameters<"sql">;

export interface Answer {
  rows: unknown[];
  count: number;
}

export interface SqlSession {
  begin(): Promise<void>;
  /** Ends the statement itself when it takes longer than its timeout. */
  run(): Promise<Answer>;
  commit(): Promise<void>;
  /** What was not committed is undone by the server. */
  close(): Promise<void>;
}

export interface DatabaseError extends Error {
  code?: string;
  detail?: string;
}

interface TlsOptions {
  rejectUnauthorized: boolean;
  ca?: string;
  /** Where the certificate is checked. */
  checkServerIdentity?: typeof checkServerIdentity;
}

/** As both libraries take it; undefined: no TLS. */
export function tlsOptions({ tls, host }: SqlParameters, { certificateAuthority }: Credential): TlsOptions | undefined {
  if (tls === "off") return undefined;
  if (tls === "unverified") return { rejectUnauthorized: false };
  return {
    rejectUnauthorized: true,
    ...(certificateAuthority === undefined ? {} : { ca: certificateAuthority }),
    // By itself the name of an address would not be looked at.
    checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
  };
}

export function isConnectionLost({ code = "" }: DatabaseError): boolean {
  return /^(CONNECTION_(CLOSED|ENDED|DESTROYED)|PROTOCOL_CONNECTION_LOST|ECONNRESET|EPIPE|ETIMEDOUT)$/.test(code);
}

/** In one line, and what to do where it is known. */
export function describeDatabaseError(error: DatabaseError, { host, tls }: SqlParameters): string {
  const { message, code = "", detail } = error;
  const reason = [message || code, detail].filter(Boolean).join(": ");
  // The library for MySQL gives every trouble with TLS the same code.
  const untrusted =
    /CERT|SIGNED|ISSUER|ALTNAME|SIGNATURE/.test(code) ||
    (code === "HANDSHAKE_SSL_ERROR" && /certificate/.test(message));
  if (untrusted)
    return `the certificate of ${host} is not trusted (${reason}): add certificateAuthority to the credential, or name the host as its certificate does`;
  if (tls !== "off" && /NO_SSL_SUPPORT|WRONG_VERSION_NUMBER|PACKET_LENGTH/.test(code))
    return `${host} offers no TLS (${reason})`;
  return reason;
}
