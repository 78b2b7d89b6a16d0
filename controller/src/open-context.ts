// Builds what every verb is given, part by part: data directory, database, keys, identity, authority. Called by main.ts.
import type { Logger } from "pino";
import { collectDefaultMetrics, Registry } from "prom-client";
import { v7 } from "uuid";
import { createAutomation } from "./automation/automation.ts";
import type { Config } from "./config.ts";
import type { Context } from "./context.ts";
import { openDataDirectory } from "./data-directory.ts";
import { DatabaseWatch } from "./database-watch.ts";
import { createAgentPackages } from "./fleet/agent-packages.ts";
import { openCertificateAuthority } from "./fleet/certificate-authority.ts";
import type { HealthChecks } from "./health.ts";
import { createIdentity } from "./identity/identity.ts";
import { loadSigningKey } from "./identity/signing-key.ts";
import { createLive } from "./live/in-process.ts";
import { liveWithPeers, PostgresPeers } from "./live/postgres-peers.ts";
import { openDatabase } from "./open-database.ts";
import { openKeys } from "./open-keys.ts";
import type { PartStarter } from "./service.ts";

export async function openContext(config: Config, log: Logger, life: PartStarter): Promise<Context> {
  const directory = await life.start(
    "data directory",
    () => openDataDirectory(config.dataDir),
    (opened) => opened.release(),
  );
  const newId = () => v7();
  const controllerId = newId();
  const metrics = openMetrics();
  const watch = new DatabaseWatch(log, metrics);
  const sql = await openDatabase(config, { directory: directory.path, controllerId, watch }, log, life);
  const { keys, clusterId } = await life.start("keys", () => openKeys(config, directory.path, sql, newId));
  const peers = new PostgresPeers({ ...{ sql, log, controllerId }, signal: life.signal });
  const base = {
    ...{ config, log, sql, keys, clusterId, newId },
    now: () => new Date(),
    live: liveWithPeers(createLive(log), peers),
    peers,
    metrics,
    health: healthOf(watch),
    databaseTrouble: () => watch.trouble,
    controllerId,
    signal: life.signal,
  };
  const identity = await life.start("identity", async () => createIdentity(await loadSigningKey(base)));
  const authority = await life.start("certificate authority", () => openCertificateAuthority(base));
  const packages = createAgentPackages(directory.path);
  return { ...base, identity, authority, packages, automation: createAutomation(base) };
}

function openMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

function healthOf(watch: DatabaseWatch): HealthChecks {
  const checks: HealthChecks = new Map();
  watch.register(checks);
  return checks;
}
