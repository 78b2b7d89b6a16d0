// The embedded database of a stack, for what no API does: making something older than it is. Called by browser tests.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { connect, type Sql } from "@opsconductor/database/connect";
import type { Devstack } from "./devstack.ts";

/** As the owner of all tables. The caller ends it. */
export function stackDatabase({ dataDir }: Pick<Devstack, "dataDir">): Sql {
  const record = JSON.parse(readFileSync(join(dataDir, "postgres.json"), "utf8"));
  const socketDir = join(resolve(dataDir, record.directory), "run");
  const name = "opsconductor";
  return connect({ socketDir, database: name, username: name, password: record.ownerPassword }, { max: 1 });
}
