// A PostgreSQL of the test's own, for a controller that is given a DATABASE_URL. Called by the commands that put
// something between the two or fill its disk.
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SocketConnection } from "@opsconductor/database/connect";
import { startEmbeddedPostgres } from "@opsconductor/database/embedded/embedded-postgres";

export interface TestPostgres {
  owner: SocketConnection;
  app: SocketConnection;
  /** PostgreSQL's own data folder. */
  data: string;
  socket: string;
  stop(): Promise<void>;
}

/** With the product's settings: commits reach the disk. */
export async function startTestPostgres(): Promise<TestPostgres> {
  const folder = mkdtempSync(join(tmpdir(), "opsconductor-faults-db-"));
  chmodSync(folder, 0o711); // as root, PostgreSQL runs as another user, which must be able to pass
  const log = { info() {}, warn() {}, error() {} };
  const server = await startEmbeddedPostgres({ dataDir: folder, log, throwaway: true });
  return {
    ...{ owner: server.owner, app: server.app, data: join(server.directory, "data") },
    socket: join(server.app.socketDir, ".s.PGSQL.5432"),
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function urlThrough(port: number, { username, password, database }: SocketConnection): string {
  return `postgres://${username}:${password}@127.0.0.1:${port}/${database}`;
}
