// How the program talks to PostgreSQL: one place for the driver's options and the meaning of column types.
//
//   int8 (bigint, count(*), sequences)  BigInt, always: fences and epochs pass 2^53. Convert small ones with Number()
//                                       where a row becomes an answer.
//   timestamptz                         Date            bytea   Buffer (Uint8Array is accepted as a parameter)
//   uuid, numeric                       string          jsonb   the parsed value; pass one with sql.json(value)
//
// Column names are camel case in results (created_at → createdAt); keys inside jsonb are left as they are.
//
// A transaction whose connection is lost rejects with TransactionLost, its later statements are refused, and its place in
// the pool connects again. The driver as published does none of this: scripts/patches makes it.
import postgres from "postgres";
import { isLostConnection, type LostOutcome, TransactionLost } from "./transaction-lost.ts";

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
  /** Told the error of every transaction that fails, before its caller is. */
  onFailure?: (error: unknown) => void;
}

export function connect(to: Connection, options: ConnectOptions = {}): Sql {
  demandPatch();
  return tellingOutcomes(open(to, options), options.onFailure);
}

function open(to: Connection, options: ConnectOptions): Sql {
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

/** With the published driver one lost connection ends the whole program, or puts a statement into a foreign transaction. */
function demandPatch(): void {
  if ((postgres as { lostConnections?: string }).lostConnections === "refused") return;
  throw new Error(
    "The package postgres is not patched, and without its patch a lost connection ends the program. Run `npm ci`, or " +
      "where npm must not run scripts: node scripts/patch-packages.mjs",
  );
}

/** `begin` that tells whether a transaction that was cut off can have been committed. */
function tellingOutcomes(sql: Sql, onFailure: ConnectOptions["onFailure"] = () => {}): Sql {
  const begin = sql.begin.bind(sql) as (options: string, work: (tx: Query) => unknown) => Promise<unknown>;
  const tellingBegin = async (...args: [string, (tx: Query) => unknown] | [(tx: Query) => unknown]) => {
    const [options, work] = args.length === 2 ? args : ["", args[0]];
    let outcome: LostOutcome = "rolled back";
    try {
      return await begin(options, async (tx) => {
        const made = work(tx);
        const result = await (Array.isArray(made) ? Promise.all(made) : made);
        outcome = "unknown"; // the driver sends COMMIT now
        return result;
      });
    } catch (error) {
      const told = isLostConnection(error) ? new TransactionLost(outcome, error) : error;
      onFailure(told);
      throw told;
    }
  };
  return Object.assign(sql, { begin: tellingBegin as Sql["begin"] });
}
