// The session of sql.ts with MySQL and MariaDB.
import { connect } from "node:net";
import type { Credential } from "@opsconductor/contract/job/actions/credential-file";
import { parseDuration } from "@opsconductor/contract/job/duration";
import type { Connection } from "mysql2/promise";
import { ActionFailed } from "../action.ts";
import { type DatabaseError, type SqlParameters, type SqlSession, tlsOptions } from "./sql-session.ts";

const connectTimeout = 20_000;

export async function openMysql(parameters: SqlParameters, credential: Credential): Promise<SqlSession> {
  const { query, params } = parameters;
  const timeout = parseDuration(parameters.timeout)!;
  const connection = await open(parameters, credential);
  return {
    begin: () => connection.beginTransaction(),
    run: async () => {
      const [result] = await connection.execute({ sql: query, timeout }, params).catch(async (error: DatabaseError) => {
        if (error.code !== "PROTOCOL_SEQUENCE_TIMEOUT") throw error;
        const ended = await endStatement(connection.threadId, parameters, credential);
        throw new ActionFailed(`mysql: the statement took longer than ${parameters.timeout}${ended}`, { cause: error });
      });
      if (Array.isArray(result)) return { rows: result, count: result.length };
      return { rows: [], count: result.affectedRows };
    },
    commit: () => connection.commit(),
    close: async () => connection.destroy(),
  };
}

async function open(parameters: SqlParameters, credential: Credential): Promise<Connection> {
  // In the package only the default export of a CommonJS library is there.
  const { default: library } = await import("mysql2/promise");
  const { host, port = 3306, database } = parameters;
  const { username, password } = credential;
  const tls = tlsOptions(parameters, credential);
  return library.createConnection({
    ...(host.startsWith("/") ? { socketPath: host } : { host, port, stream: () => dial(host, port) }),
    ...{ database, connectTimeout, supportBigNumbers: true, bigNumberStrings: true, dateStrings: true },
    ...(username === undefined ? {} : { user: username }),
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { ssl: sslOptions(tls) }),
  });
}

const sslOptions = ({ checkServerIdentity, ...options }: NonNullable<ReturnType<typeof tlsOptions>>) => ({
  ...options,
  verifyIdentity: checkServerIdentity !== undefined,
});

/** The library compares names only: of a host that is an address Node asks the socket (seen in sql.tools.test.ts). */
function dial(host: string, port: number) {
  return Object.assign(connect({ host, port }), { _host: host });
}

/** Without a client the server would work on to the statement's end before it looks, and hold its locks as long. */
async function endStatement(thread: number, parameters: SqlParameters, credential: Credential): Promise<string> {
  try {
    const other = await open(parameters, credential);
    await other.query(`kill query ${Number(thread)}`);
    other.destroy();
    return ": it was ended";
  } catch (error) {
    return `, and could not be ended (${(error as Error).message}): it may still run`;
  }
}
