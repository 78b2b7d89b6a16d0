// Where an embedded cluster lies and what must be remembered about it, recorded in <data directory>/postgres.json.
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { canReach, ownerOf, postgresUser, type RunAs } from "./system-user.ts";

interface Record {
  id: string;
  /** Absolute, or relative to the data directory so that the whole can be moved. */
  directory: string;
  initialised: boolean;
  ownerPassword: string;
  appPassword: string;
}

export interface Place extends Record {
  directory: string;
  /** PostgreSQL's own data directory. */
  data: string;
  socketDir: string;
  user: RunAs | undefined;
  /** True when the data directory's folders are closed to PostgreSQL's user and the cluster lies elsewhere. */
  elsewhere: boolean;
}

const forRoot = "/var/lib/opsconductor/embedded";
/** 107 bytes is the longest path of a Unix socket; PostgreSQL adds "/.s.PGSQL.5432". */
const longestSocketDir = 107 - 15;

/** Reads or decides the place and makes its folders. `dataDir` exists and is resolved of symbolic links. */
export function findPlace(dataDir: string): Place {
  const file = join(dataDir, "postgres.json");
  const known = readRecord(file);
  const fresh = known ?? decide(dataDir);
  const directory = resolve(dataDir, fresh.directory);
  const data = join(directory, "data");
  if (known?.initialised && !existsSync(data))
    throw new Error(
      `The database of ${dataDir} lies in ${data}, which is not there. Bring it back, or remove ${file} to begin empty.`,
    );
  if (!known) writeRecord(file, fresh);
  const user = existsSync(data) ? ownerOf(data) : postgresUser({ mayCreate: true });
  const elsewhere = fresh.directory !== "postgres";
  mkdirSync(directory, { recursive: true, mode: 0o711 });
  const socketDir = privateFolder(socketFolder(directory, fresh.id), user);
  return { ...fresh, directory, data, socketDir, user, elsewhere };
}

/** Remembers that initdb finished: from now on a missing cluster is an error and not a first start. */
export function markInitialised(dataDir: string): void {
  const file = join(dataDir, "postgres.json");
  writeRecord(file, { ...readRecord(file)!, initialised: true });
}

function readRecord(file: string): Record | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Record) : undefined;
}

function writeRecord(file: string, record: Record): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function decide(dataDir: string): Record {
  const id = randomBytes(4).toString("hex");
  const secret = () => randomBytes(24).toString("base64url");
  const reachable = canReach(join(dataDir, "postgres"), postgresUser({ mayCreate: true }));
  const directory = reachable ? "postgres" : join(forRoot, id);
  return { id, directory, initialised: false, ownerPassword: secret(), appPassword: secret() };
}

function socketFolder(directory: string, id: string): string {
  const inside = join(directory, "run");
  if (Buffer.byteLength(inside) <= longestSocketDir) return inside;
  const parent = process.getuid?.() === 0 ? "/run" : (process.env.XDG_RUNTIME_DIR ?? tmpdir());
  return join(parent, `opsconductor-${id}`);
}

/** A 0700 folder of PostgreSQL's user. One that somebody else made (in /tmp anybody can) is refused. */
function privateFolder(path: string, user: RunAs | undefined): string {
  const owner = user?.uid ?? process.getuid?.() ?? 0;
  if (!existsSync(path)) {
    mkdirSync(path, { mode: 0o700 });
    if (user) chownSync(path, user.uid, user.gid);
  }
  const found = lstatSync(path);
  if (!found.isDirectory() || found.uid !== owner)
    throw new Error(`${path} must be a folder of uid ${owner} and is not: remove it, then start again.`);
  chmodSync(path, 0o700);
  return path;
}
