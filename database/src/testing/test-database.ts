// A fresh, migrated database for one test file or one test: `const db = await testDatabase()` in *.db.test.ts.
import { randomBytes } from "node:crypto";
import { inject } from "vitest";
import { connect, type SocketConnection, type Sql } from "../connect.ts";

export interface TestServer {
  owner: SocketConnection;
  app: SocketConnection;
}

export const templateDatabase = "opsconductor_template";

export interface TestDatabase {
  /** As the application's role: what controller code gets. */
  sql: Sql;
  /** As the owner: to look behind the application's rights or to change tables. */
  owner: Sql;
  connections: TestServer;
  /** Ends all connections and drops the database. */
  close(): Promise<void>;
}

export async function testDatabase(options: { max?: number } = {}): Promise<TestDatabase> {
  const server = inject("postgres");
  const name = `t_${randomBytes(6).toString("hex")}`;
  await asAdmin(server, `create database ${name} template ${templateDatabase} strategy file_copy`);
  const connections = { owner: { ...server.owner, database: name }, app: { ...server.app, database: name } };
  const sql = connect(connections.app, { max: options.max ?? 5 });
  const owner = connect(connections.owner, { max: 1 });
  const close = async () => {
    await Promise.all([sql.end({ timeout: 1 }), owner.end({ timeout: 1 })]);
    await asAdmin(server, `drop database ${name} with (force)`);
  };
  return { sql, owner, connections, close };
}

async function asAdmin(server: TestServer, statement: string): Promise<void> {
  const admin = connect({ ...server.owner, database: "postgres" }, { max: 1 });
  try {
    await admin.unsafe(statement);
  } finally {
    await admin.end();
  }
}
