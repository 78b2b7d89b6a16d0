// `uses: sql`: one statement on PostgreSQL or MySQL, its values bound by the database's own protocol.
import { type Action, type ActionContext, ActionFailed } from "./action.ts";
import { readCredential } from "./support/credentials.ts";
import { openMysql } from "./support/mysql-session.ts";
import { openPostgresql } from "./support/postgresql-session.ts";
import {
  type Answer,
  type DatabaseError,
  describeDatabaseError,
  isConnectionLost,
  type SqlParameters,
  type SqlSession,
} from "./support/sql-session.ts";

const keptRows = 100;
const shown = 120;

export const sql: Action<SqlParameters> = async (parameters, context) => {
  const what = `run ${summarise(parameters.query)} on ${parameters.database} of ${parameters.host}`;
  const run = async () => {
    const { rows, count } = await execute(parameters, context);
    const outputs = { rows: toJson(rows.slice(0, keptRows)), count: String(count) };
    const message = `${count} ${count === 1 ? "row" : "rows"}: ${summarise(parameters.query)}`;
    return { outputs, message, changed: parameters.changes && count > 0 };
  };
  if (parameters.changes) return { changes: [what], apply: run };
  const { outputs, message } = await run();
  return { changes: [], outputs, message };
};

async function execute(parameters: SqlParameters, context: ActionContext): Promise<Answer> {
  const { credential, engine } = parameters;
  const known = credential === undefined ? {} : await readCredential(credential, context);
  const failed = (error: DatabaseError, outcome = "") => {
    if (error instanceof ActionFailed) return error;
    return new ActionFailed(`${engine}: ${describeDatabaseError(error, parameters)}${outcome}`, { cause: error });
  };
  const open = engine === "postgresql" ? openPostgresql : openMysql;
  const session = await open(parameters, known).catch((error) => {
    throw failed(error);
  });
  const progress: Progress = { committing: false };
  try {
    return await perform(session, parameters, progress);
  } catch (error) {
    throw failed(error as DatabaseError, isConnectionLost(error as DatabaseError) ? lostIn(progress, parameters) : "");
  } finally {
    await session.close();
  }
}

interface Progress {
  committing: boolean;
}

/** MySQL undoes nothing of a statement that stands alone when its client goes; PostgreSQL refuses some in a transaction. */
const inTransaction = ({ engine, expectRows }: SqlParameters) => engine === "mysql" || expectRows !== undefined;

async function perform(session: SqlSession, parameters: SqlParameters, progress: Progress): Promise<Answer> {
  const { expectRows } = parameters;
  if (inTransaction(parameters)) await session.begin();
  const answer = await session.run();
  if (expectRows !== undefined && answer.count !== expectRows)
    throw new ActionFailed(`the statement gave or changed ${answer.count} rows, not ${expectRows}: it was undone`);
  progress.committing = true;
  if (inTransaction(parameters)) await session.commit();
  return answer;
}

function lostIn({ committing }: Progress, parameters: SqlParameters): string {
  if (!parameters.changes) return "";
  if (committing || !inTransaction(parameters))
    return ": nobody knows whether the statement was done, look before you repeat it";
  return parameters.engine === "mysql"
    ? ": it is undone, unless it is one that MySQL commits by itself (create, alter, drop …)"
    : ": it is undone";
}

function summarise(query: string): string {
  const line = query.replaceAll(/\s+/g, " ").trim();
  return line.length > shown ? `${line.slice(0, shown - 1)}…` : line;
}

function toJson(rows: readonly unknown[]): string {
  return JSON.stringify(rows, function (this: Record<string, unknown>, key, value: unknown) {
    const given = this[key]; // before it became what a Buffer says of itself
    if (Buffer.isBuffer(given)) return given.toString("base64");
    return typeof value === "bigint" ? String(value) : value;
  });
}
