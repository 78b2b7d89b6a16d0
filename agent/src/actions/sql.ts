// `uses: sql`: one statement on PostgreSQL or MySQL, its values bound by the database's own protocol.
import type { ActionParameters } from "@opsconductor/contract/job/actions/action-catalogue";
import type { Credential } from "@opsconductor/contract/job/actions/credential-file";
import { parseDuration } from "@opsconductor/contract/job/duration";
import { type Action, type ActionContext, ActionFailed } from "./action.ts";
import { readCredential } from "./support/credentials.ts";

type Parameters = ActionParameters<"sql">;

interface Answer {
  rows: unknown[];
  count: number;
}

const keptRows = 100;
const shown = 120;

export const sql: Action<Parameters> = async (parameters, context) => {
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

async function execute(parameters: Parameters, context: ActionContext): Promise<Answer> {
  const { credential, engine } = parameters;
  const known = credential === undefined ? {} : await readCredential(credential, context);
  const open = engine === "postgresql" ? postgresql : mysql;
  try {
    return await open(parameters, known);
  } catch (error) {
    if (error instanceof ActionFailed) throw error;
    const { message, code, detail } = error as Error & { code?: string; detail?: string };
    throw new ActionFailed(`${engine}: ${[message || code, detail].filter(Boolean).join(": ")}`, { cause: error });
  }
}

async function postgresql(parameters: Parameters, { username, password }: Credential): Promise<Answer> {
  const { default: postgres } = await import("postgres");
  const { host, port = 5432, database, tls, query, params, expectRows } = parameters;
  const timeoutMs = parseDuration(parameters.timeout)!;
  const connection = postgres({
    ...{ host, port, database, max: 1, prepare: false, onnotice: () => {}, connect_timeout: 20 },
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ssl: tls === "off" ? false : { rejectUnauthorized: tls === "on" },
    connection: { application_name: "opsconductor", statement_timeout: timeoutMs },
  });
  try {
    // Not the simple protocol, which would take several statements at once.
    const options = { simple: false, prepare: false } as { prepare: boolean };
    const run = async (on: { unsafe: typeof connection.unsafe }) => {
      const rows = await on.unsafe(query, params as string[], options);
      return { rows: [...rows], count: rows.count ?? rows.length };
    };
    if (expectRows === undefined) return await run(connection);
    return (await connection.begin(async (tx) => checked(await run(tx as never), expectRows))) as Answer;
  } finally {
    await connection.end({ timeout: 1 });
  }
}

async function mysql(parameters: Parameters, { username, password }: Credential): Promise<Answer> {
  // In the package only the default export of a CommonJS library is there.
  const { default: library } = await import("mysql2/promise");
  const { host, port = 3306, database, tls, query, params, expectRows } = parameters;
  const timeout = parseDuration(parameters.timeout)!;
  const connection = await library.createConnection({
    ...(host.startsWith("/") ? { socketPath: host } : { host, port }),
    ...{ database, connectTimeout: 20_000, supportBigNumbers: true, bigNumberStrings: true, dateStrings: true },
    ...(username === undefined ? {} : { user: username }),
    ...(password === undefined ? {} : { password }),
    ...(tls === "off" ? {} : { ssl: { rejectUnauthorized: tls === "on" } }),
  });
  try {
    if (expectRows !== undefined) await connection.beginTransaction();
    const [result] = await connection.execute({ sql: query, timeout }, params);
    const rows = Array.isArray(result) ? result : [];
    const answer = { rows, count: Array.isArray(result) ? result.length : result.affectedRows };
    if (expectRows === undefined) return answer;
    checked(answer, expectRows);
    await connection.commit();
    return answer;
  } finally {
    connection.destroy(); // what was not committed is undone by the server
  }
}

/** Inside of the transaction: what is not as expected is undone. */
function checked(answer: Answer, expected: number): Answer {
  if (answer.count === expected) return answer;
  throw new ActionFailed(`the statement gave or changed ${answer.count} rows, not ${expected}: it was undone`);
}

function summarise(query: string): string {
  const line = query.replaceAll(/\s+/g, " ").trim();
  return line.length > shown ? `${line.slice(0, shown - 1)}…` : line;
}

function toJson(rows: readonly unknown[]): string {
  return JSON.stringify(rows, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value));
}
