// The session of sql.ts with PostgreSQL.
import type { Credential } from "@opsconductor/contract/job/actions/credential-file";
import { parseDuration } from "@opsconductor/contract/job/duration";
import { type SqlParameters, type SqlSession, tlsOptions } from "./sql-session.ts";

/** The server ends the statement; a server that no longer answers at all is not waited for much longer. */
const silenceMs = 10_000;

export async function openPostgresql(parameters: SqlParameters, credential: Credential): Promise<SqlSession> {
  const { default: postgres } = await import("postgres");
  const { host, port = 5432, database, query, params } = parameters;
  const { username, password } = credential;
  const timeoutMs = parseDuration(parameters.timeout)!;
  const pool = postgres({
    ...{ host, port, database, max: 1, prepare: false, onnotice: () => {}, connect_timeout: 20 },
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ssl: tlsOptions(parameters, credential) ?? false,
    connection: { application_name: "opsconductor", statement_timeout: timeoutMs },
  });
  const connection = await pool.reserve().catch(async (error) => {
    await pool.end({ timeout: 0 });
    throw error;
  });
  return {
    begin: async () => void (await connection.unsafe("begin")),
    run: async () => {
      // Not the simple protocol, which would take several statements at once.
      const options = { simple: false, prepare: false } as { prepare: boolean };
      const rows = await within(timeoutMs + silenceMs, connection.unsafe(query, params as string[], options));
      return { rows: [...rows], count: rows.count ?? rows.length };
    },
    commit: async () => void (await connection.unsafe("commit")),
    close: () => {
      connection.release();
      return pool.end({ timeout: 1 });
    },
  };
}

async function within<T>(ms: number, answer: PromiseLike<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const error = Object.assign(new Error(`no answer within ${ms / 1000} s`), { code: "ETIMEDOUT" });
    timer = setTimeout(() => reject(error), ms);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
