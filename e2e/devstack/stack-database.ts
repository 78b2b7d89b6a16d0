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
  const record = JSON.parse(readFileSync(join(dataDir, "postgres.json"), "utf8"));
  const socketDir = join(resolve(dataDir, record.directory), "run");
  const name = "opsconductor";
  return { socketDir, database: name, username: name, password: record.ownerPassword };
}
