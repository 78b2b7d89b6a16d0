// The embedded database of a stack, for what no API does: making something older than it is. Called by stories and browser tests.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { connect, type SocketConnection, type Sql } from "@opsconductor/database/connect";
import type { Devstack } from "./devstack.ts";

/** As the owner of all tables. The caller ends it. */
export function stackDatabase(stack: Pick<Devstack, "dataDir">): Sql {
  return connect(databaseConnection(stack), { max: 1 });
}

/** Of the owner. */
export function databaseConnection({ dataDir }: Pick<Devstack, "dataDir">): SocketConnection {
  const record = readRecord(dataDir);
  const name = "opsconductor";
  return { socketDir: record.socketDir, database: name, username: name, password: record.ownerPassword };
}

/** Of the role that controllers use. */
export function appConnection({ dataDir }: Pick<Devstack, "dataDir">): SocketConnection {
  const { socketDir, appPassword: password } = readRecord(dataDir);
  return { socketDir, database: "opsconductor", username: "opsconductor_app", password };
}

function readRecord(dataDir: string): { socketDir: string; ownerPassword: string; appPassword: string } {
  const record = JSON.parse(readFileSync(join(dataDir, "postgres.json"), "utf8"));
  return { ...record, socketDir: join(resolve(dataDir, record.directory), "run") };
}
