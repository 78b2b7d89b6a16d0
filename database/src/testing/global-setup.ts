// One throwaway PostgreSQL for a whole vitest run, with a migrated template that each test file copies in milliseconds.
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { connect } from "../connect.ts";
import { appRole, startEmbeddedPostgres } from "../embedded/embedded-postgres.ts";
import { isAlive, readPostmasterFile } from "../embedded/processes.ts";
import { migrate } from "../migrate.ts";
import { type TestServer, templateDatabase } from "./test-database.ts";

declare module "vitest" {
  export interface ProvidedContext {
    postgres: TestServer;
  }
}

const prefix = "opsconductor-test-";
/** Nothing here outlives the run, so nothing needs to reach the disk. */
const settings = {
  fsync: "off",
  full_page_writes: "off",
  synchronous_commit: "off",
  autovacuum: "off",
  max_connections: "200",
  logging_collector: "off",
  max_wal_size: "1GB",
};

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  removeOrphans();
  const dataDir = mkdtempSync(join(tmpdir(), prefix));
  chmodSync(dataDir, 0o711); // mkdtemp closes it to the user that runs PostgreSQL
  writeFileSync(join(dataDir, "vitest.pid"), String(process.pid));
  const log = { info() {}, warn: console.warn, error: console.error };
  const server = await startEmbeddedPostgres({ dataDir, log, settings, throwaway: true });
  const close = async () => {
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
  await makeTemplate(server).catch(async (error) => {
    await close();
    throw error;
  });
  project.provide("postgres", { owner: server.owner, app: server.app });
  return close;
}

async function makeTemplate(server: TestServer): Promise<void> {
  const owner = connect(server.owner, { max: 1 });
  await migrate(owner, appRole).finally(() => owner.end());
  const admin = connect({ ...server.owner, database: "postgres" }, { max: 1 });
  await admin.unsafe(`alter database opsconductor rename to ${templateDatabase}`);
  await admin.end();
}

/** A run that was killed could not stop its server: the next run does. */
function removeOrphans(): void {
  for (const name of readdirSync(tmpdir()).filter((n) => n.startsWith(prefix))) {
    const dir = join(tmpdir(), name);
    const owner = join(dir, "vitest.pid");
    if (!existsSync(owner) || isAlive(Number(readFileSync(owner, "utf8")))) continue;
    const postmaster = readPostmasterFile(join(dir, "postgres/data"));
    if (postmaster && isAlive(postmaster.pid)) process.kill(postmaster.pid, "SIGQUIT");
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}
