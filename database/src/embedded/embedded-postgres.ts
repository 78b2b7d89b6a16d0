// A real PostgreSQL that the controller runs for itself: made at the first start, adopted when it is already running,
// repaired and restarted when it was killed. Called by the controller's start and by the test harness.
import { execFile } from "node:child_process";
import { chownSync, existsSync, mkdirSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { connect, type SocketConnection } from "../connect.ts";
import { type Binaries, copiedBinaries, packagedBinaries } from "./binaries.ts";
import { Cluster, type EmbeddedLog, identity } from "./cluster.ts";
import { findPlace, markInitialised, type Place } from "./place.ts";
import { readPostmasterFile } from "./processes.ts";
import { canReach } from "./system-user.ts";

export interface EmbeddedOptions {
  dataDir: string;
  log: EmbeddedLog;
  /** Added to or instead of the settings below. */
  settings?: Record<string, string>;
  /** Tests only care for speed: no copy of the programs, no sync of the first database. */
  throwaway?: boolean;
  /** How long a shutdown may take before it is forced; 20 s unless told. */
  stopPatienceMs?: number;
}

export interface EmbeddedPostgres {
  owner: SocketConnection;
  app: SocketConnection;
  directory: string;
  /** Not below the data directory, because PostgreSQL's user cannot reach that. */
  elsewhere: boolean;
  adopted: boolean;
  pid: () => number | undefined;
  /** Why it does not come back, while it does not. */
  lastFailure: () => string | undefined;
  /** Leaves PostgreSQL running, and nobody who would restart it. */
  unwatch(): Promise<void>;
  stop(): Promise<void>;
}

const ownerRole = "opsconductor";
export const appRole = "opsconductor_app";
const database = "opsconductor";
const run = promisify(execFile);

export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  if (process.platform === "win32")
    throw new Error("The embedded PostgreSQL runs on Linux and macOS: set DATABASE_URL to a PostgreSQL 18 server.");
  const dataDir = realpathSync(options.dataDir);
  const place = findPlace(dataDir);
  const binaries = reachableBinaries(place, options.throwaway ?? false);
  if (!existsSync(place.data)) await initialise(place, binaries, options.throwaway ?? false);
  if (!place.initialised) markInitialised(dataDir);
  const cluster = new Cluster(place, binaries.native, options);
  const adopted = await startAndPrepare(cluster, place);
  cluster.watch();
  return {
    owner: connection(place, ownerRole, place.ownerPassword),
    app: connection(place, appRole, place.appPassword),
    directory: place.directory,
    elsewhere: place.elsewhere,
    adopted,
    lastFailure: () => cluster.lastFailure,
    pid: () => readPostmasterFile(place.data)?.pid,
    unwatch: () => cluster.unwatch(),
    stop: () => cluster.stop(),
  };
}

/** An adopted postmaster may have been dying: then there is nothing to connect to, and a second start repairs it. */
async function startAndPrepare(cluster: Cluster, place: Place): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    const adopted = await cluster.start();
    try {
      await prepareRoles(place);
      return adopted;
    } catch (error) {
      if (attempt === 3 || !(await cluster.ended(2_000))) throw error;
    }
  }
}

function connection(place: Place, username: string, password: string, name = database): SocketConnection {
  return { socketDir: place.socketDir, database: name, username, password };
}

function reachableBinaries(place: Place, throwaway: boolean): Binaries {
  const packaged = packagedBinaries();
  const linked = existsSync(join(packaged.native, "lib")) && canReach(join(packaged.native, "bin"), place.user);
  if (throwaway && linked) return packaged;
  const parent = place.elsewhere ? join(place.directory, "..") : place.directory;
  return copiedBinaries(packaged, parent);
}

/** initdb into a neighbour folder, then one rename: a start that is killed meanwhile leaves nothing half made. */
async function initialise(place: Place, binaries: Binaries, throwaway: boolean): Promise<void> {
  const partial = join(place.directory, "data.new");
  const passwordFile = join(place.socketDir, "password");
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { mode: 0o700 });
  writeFileSync(passwordFile, place.ownerPassword, { mode: 0o600 });
  const { user } = place;
  if (user) for (const path of [partial, passwordFile]) chownSync(path, user.uid, user.gid);
  const auth = ["--auth-local=scram-sha-256", "--auth-host=reject", `--pwfile=${passwordFile}`];
  const locale = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"];
  const args = ["-D", partial, "-U", ownerRole, ...auth, ...locale, ...(throwaway ? ["--no-sync"] : [])];
  try {
    await run(join(binaries.native, "bin/initdb"), args, { ...identity(place), cwd: place.socketDir });
  } catch (cause) {
    const said = (cause as { stderr?: string }).stderr?.trim();
    throw new Error(
      `The embedded database could not be made in ${place.directory}: ${said || (cause as Error).message}`,
      {
        cause,
      },
    );
  } finally {
    rmSync(passwordFile, { force: true });
  }
  renameSync(partial, place.data);
}

/** The application's role and the database; repeated at each start because the first one may have been killed here. */
async function prepareRoles(place: Place): Promise<void> {
  const sql = connect(connection(place, ownerRole, place.ownerPassword, "postgres"), { max: 1 });
  try {
    const [role] = await sql`select from pg_roles where rolname = ${appRole}`;
    if (!role) await sql.unsafe(`create role ${appRole} login password '${place.appPassword}'`);
    const [found] = await sql`select from pg_database where datname = ${database}`;
    if (!found) await sql.unsafe(`create database ${database}`);
  } finally {
    await sql.end();
  }
}
