// How the program talks to PostgreSQL: one place for the driver's options and the meaning of column types.
//
//   int8 (bigint, count(*), sequences)  BigInt, always: fences and epochs pass 2^53. Convert small ones with Number()
//                                       where a row becomes an answer.
//   timestamptz                         Date            bytea   Buffer (Uint8Array is accepted as a parameter)
//   uuid, numeric                       string          jsonb   the parsed value; pass one with sql.json(value)
//
// Column names are camel case in results (created_at → createdAt); keys inside jsonb are left as they are.
import postgres from "postgres";

export type SqlTypes = { bigint: bigint };
export type Sql = postgres.Sql<SqlTypes>;
/** What queries take: the pool or one open transaction, so that verbs decide what is atomic. */
export type Query = postgres.ISql<SqlTypes>;

/** An embedded cluster, by the folder of its socket. */
export interface SocketConnection {
  socketDir: string;
  database: string;
  username: string;
  password: string;
}
export type Connection = { url: string } | SocketConnection;

export interface ConnectOptions {
  /** Largest number of connections of the pool. */
  max?: number;
  applicationName?: string;
  onNotice?: (notice: postgres.Notice) => void;
  /** When PostgreSQL ends a transaction that sends nothing. */
  idleInTransactionMs?: number;
}

export function connect(to: Connection, options: ConnectOptions = {}): Sql {
  const common = {
    max: options.max ?? 10,
    connect_timeout: 10,
    // Seconds between attempts of one connection. The driver's own reaches 20 s, in which nothing works although the
    // database (restarted in 0.3 s) does.
    backoff: (attempt: number) => Math.min(0.05 * 2 ** attempt, 0.5),
    onnotice: options.onNotice ?? (() => {}),
    connection: {
      application_name: options.applicationName ?? "opsconductor",
      TimeZone: "UTC",
      // A controller that was paused, or whose machine is gone, in the middle of a transaction must not keep its locks
      // from the others. Between two statements of ours lie milliseconds.
      idle_in_transaction_session_timeout: options.idleInTransactionMs ?? 15_000,
    },
    // postgres.camel would also rewrite the keys inside jsonb values.
    transform: { column: { from: postgres.toCamel, to: postgres.fromCamel } },
    types: { bigint: postgres.BigInt },
  };
  if ("url" in to) return postgres(to.url, common);
  const { socketDir, database, username, password } = to;
  // The host makes postgres.js take the folder of a Unix socket; PGHOST and friends must not leak in.
  return postgres({ ...common, host: socketDir, port: 5432, database, username, password });
}
