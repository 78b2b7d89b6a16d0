// The database of this controller: the embedded one or a server, migrated and reachable as the application's role.
import { type Connection, type ConnectOptions, connect, type Sql } from "@opsconductor/database/connect";
import {
  appRole,
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from "@opsconductor/database/embedded/embedded-postgres";
import { MigrationRefused, migrate } from "@opsconductor/database/migrate";
import type { Logger } from "pino";
import type { Config } from "./config.ts";
import type { DatabaseWatch } from "./database-watch.ts";
import { ping, selectDurability } from "./fleet/cluster-queries.ts";
import type { PartStarter } from "./service.ts";
import { StartRefused } from "./start-refused.ts";

const oldestServer = 160_000;
const patienceMs = 10_000;

export interface Opener {
  /** The data directory. */
  directory: string;
  /** Shown by PostgreSQL (pg_stat_activity) with each connection, so that those of several controllers are told apart. */
  controllerId: string;
  watch: DatabaseWatch;
}

export async function openDatabase(
  config: Config,
  { directory, controllerId, watch }: Opener,
  log: Logger,
  life: PartStarter,
): Promise<Sql> {
  const { owner, app, role, embedded } = config.databaseUrl
    ? await openServer(config, log, life)
    : await openEmbedded(directory, log, life);
  await life.start("migrations", () => migrateAs(owner, role, log));
  const applicationName = `opsconductor ${controllerId}`;
  const onNotice: ConnectOptions["onNotice"] = (n) => log.debug({ notice: n.message }, "database.notice");
  const pool = () => connect(app, { max: 20, applicationName, onNotice, onFailure: (error) => watch.heard(error) });
  const sql = await life.start("database pool", pool, (opened) => opened.end({ timeout: 5 }));
  watch.noteSettings(await selectDurability(sql));
  await life.start(
    "database watch",
    () => startWatch(watch, { app, applicationName, embedded }, life.signal),
    (running) => running.stop(),
  );
  return sql;
}

/** On a connection of its own: a pool that is busy is no trouble of the database. */
function startWatch(
  watch: DatabaseWatch,
  to: { app: Connection; applicationName: string; embedded: EmbeddedPostgres | undefined },
  signal: AbortSignal,
) {
  const { app, applicationName, embedded } = to;
  const sql = connect(app, { max: 1, applicationName: `${applicationName} watch` });
  const looks = watch.run({ ping: () => ping(sql), embedded }, signal);
  return {
    async stop() {
      await sql.end({ timeout: 1 });
      await looks;
    },
  };
}

interface Connections {
  owner: Connection;
  app: Connection;
  role: string;
  embedded?: EmbeddedPostgres;
}

async function openEmbedded(dataDir: string, log: Logger, life: PartStarter): Promise<Connections> {
  const embedded = await life.start(
    "embedded PostgreSQL",
    () => startEmbeddedPostgres({ dataDir, log }),
    (postgres, kind) => (kind === "for good" ? postgres.stop() : postgres.unwatch()),
  );
  if (embedded.elsewhere) log.info({ directory: embedded.directory, dataDir }, "database.placed_elsewhere");
  return { owner: embedded.owner, app: embedded.app, role: appRole, embedded };
}

async function openServer(config: Config, log: Logger, life: PartStarter): Promise<Connections> {
  const app = { url: config.databaseUrl! };
  const owner = { url: config.databaseOwnerUrl ?? config.databaseUrl! };
  const role = await probe("DATABASE_URL", app, log, life);
  if (config.databaseOwnerUrl) await probe("DATABASE_OWNER_URL", owner, log, life);
  return { owner, app, role };
}

/** The name of the role that `connection` is; waits a little for a server that is just starting. */
async function probe(setting: string, connection: { url: string }, log: Logger, life: PartStarter): Promise<string> {
  const end = performance.now() + patienceMs;
  for (let attempt = 1; ; attempt++) {
    life.signal.throwIfAborted();
    const sql = connect(connection, { max: 1 });
    try {
      const [row] = await sql<{ role: string; version: number }[]>`
        select current_user::text as role, current_setting('server_version_num')::int as version`;
      if (row!.version >= oldestServer) return row!.role;
      throw new StartRefused(`${setting}: this PostgreSQL is too old (${row!.version}); version 18 is what is tested.`);
    } catch (error) {
      if (error instanceof StartRefused) throw error;
      if (!isStarting(error) || performance.now() > end) throw cannotConnect(setting, connection.url, error);
      if (attempt === 1) log.warn({ setting, reason: (error as Error).message }, "database.waiting");
    } finally {
      await sql.end({ timeout: 1 });
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

function isStarting(error: unknown): boolean {
  return ["ECONNREFUSED", "57P03", "CONNECT_TIMEOUT", "ECONNRESET"].includes(
    String((error as { code?: unknown }).code),
  );
}

/** Never shows the URL: it holds a password. */
function cannotConnect(setting: string, url: string, cause: unknown): StartRefused {
  const { code, message } = cause as { code?: string; message: string };
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const where = parsed ? `${parsed.host}${parsed.pathname}` : "its address";
  const refused = code?.startsWith("28") || code === "3D000"; // user, password or database
  const what = refused ? "does not let us in" : "does not answer";
  return new StartRefused(`${setting}: the database at ${where} ${what}: ${message}`, {
    exitCode: refused ? 2 : 1,
    cause,
  });
}

async function migrateAs(owner: Connection, role: string, log: Logger): Promise<void> {
  const sql = connect(owner, { max: 1, onNotice: (n) => log.debug({ notice: n.message }, "database.notice") });
  try {
    const { applied } = await migrate(sql, role);
    if (applied.length > 0) log.info({ applied }, "database.migrated");
  } catch (error) {
    throw asRefusal(error);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

function asRefusal(error: unknown): unknown {
  if (error instanceof MigrationRefused) return new StartRefused(error.message, { cause: error });
  const { code, message } = ((error as Error).cause ?? error) as { code?: string; message?: string };
  if (code !== "42501") return error; // insufficient_privilege
  return new StartRefused(
    `DATABASE_OWNER_URL (or DATABASE_URL without it) must be a role that owns the database and may create in it: ${message}`,
    { exitCode: 2, cause: error },
  );
}
