// A Context for *.db.test.ts: a fresh database as the application's role, live in memory, a clock the test may set.
// `const t = await testContext()`, then verbs get `t.ctx`; `afterAll(() => t.close())`.
import type { Permission } from "@opsconductor/contract/permissions";
import { connect, type SocketConnection } from "@opsconductor/database/connect";
import { type PassingMessage, startPostgresProxy, type Verdict } from "@opsconductor/database/testing/postgres-proxy";
import { type TestDatabase, testDatabase } from "@opsconductor/database/testing/test-database";
import { pino } from "pino";
import { Registry } from "prom-client";
import { v7 } from "uuid";
import { createAutomation } from "../automation/automation.ts";
import { type Config, loadConfig } from "../config.ts";
import type { Actor, Context } from "../context.ts";
import { openCertificateAuthority } from "../fleet/certificate-authority.ts";
import { LinkRegistry } from "../fleet/links.ts";
import { createIdentity } from "../identity/identity.ts";
import { createKeys } from "../keys.ts";
import { createLive } from "../live/in-process.ts";
import { liveWithPeers, PostgresPeers } from "../live/postgres-peers.ts";

export interface TestContext {
  ctx: Context;
  db: TestDatabase;
  /** Streams of agents: empty until the test puts some in. */
  links: LinkRegistry;
  /** Sets the wall clock of `ctx`; it stands still from then on. */
  setNow(at: Date): void;
  /** Aborts `ctx.signal`, ends the connections and drops the database. */
  close(): Promise<void>;
}

/** `cut`: `ctx.sql` goes through a proxy that ends connections where this says so. */
export async function testContext(
  overrides: Partial<Config> = {},
  cut?: (message: PassingMessage) => Verdict,
): Promise<TestContext> {
  const db = await testDatabase();
  const proxied = cut && (await proxiedDatabase(db.connections.app, cut));
  const stopped = new AbortController();
  let fixed: Date | undefined;
  const log = pino({ level: overrides.logLevel ?? "silent" });
  const sql = proxied?.sql ?? db.sql;
  const controllerId = v7();
  const peers = new PostgresPeers({ ...{ sql, log, controllerId }, signal: stopped.signal });
  const base = {
    config: { ...loadConfig({}), ...overrides },
    log,
    sql,
    now: () => fixed ?? new Date(),
    newId: () => v7(),
    live: liveWithPeers(createLive(log), peers),
    peers,
    keys: createKeys(Buffer.alloc(32, 1)),
    identity: createIdentity(Buffer.alloc(32, 2)),
    metrics: new Registry(),
    health: new Map(),
    databaseTrouble: () => undefined,
    controllerId,
    clusterId: v7(),
    signal: stopped.signal,
    packages: { all: async () => [] },
  };
  await insertCluster(base);
  const links = new LinkRegistry();
  const automation = createAutomation(base);
  automation.useLinks(links);
  const ctx: Context = { ...base, automation, authority: await openCertificateAuthority(base) };
  const close = async () => {
    stopped.abort();
    await automation.stop();
    await proxied?.close();
    await db.close();
  };
  return { ctx, db, links, setNow: (at) => (fixed = at), close };
}

async function proxiedDatabase(to: SocketConnection, decide: (message: PassingMessage) => Verdict) {
  const proxy = await startPostgresProxy({ upstream: { path: `${to.socketDir}/.s.PGSQL.5432` }, decide });
  const url = `postgres://${to.username}:${to.password}@127.0.0.1:${proxy.port}/${to.database}`;
  const sql = connect({ url }, { max: 5 });
  const close = async () => {
    await sql.end({ timeout: 1 });
    await proxy.close();
  };
  return { sql, close };
}

/** What the start writes before anything else runs. */
async function insertCluster({
  sql,
  clusterId,
  controllerId,
  keys,
}: Omit<Context, "authority" | "automation">): Promise<void> {
  await sql`insert into fleet.cluster (id, key_check) values (${clusterId}, ${keys.check})`;
  await sql`insert into fleet.controllers (id, started_at, lease_until, version, hostname)
    values (${controllerId}, now(), now() + interval '1 day', '0.0.0', 'test')`;
}

/** Somebody signed in, with the permissions named (all when none are). */
export function testActor(...permissions: Permission[]): Actor {
  return {
    kind: "user",
    id: v7(),
    name: "tester",
    sessionId: null,
    requestId: null,
    address: "127.0.0.1",
    permissions: new Set(permissions.length > 0 ? permissions : ["*"]),
  };
}
