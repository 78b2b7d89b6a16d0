import { afterAll, beforeAll, expect, test } from "vitest";
import { connect } from "../connect.ts";
import { type TestDatabase, testDatabase } from "./test-database.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.close());

test("a test database is migrated and reached as the application's role", async () => {
  const [row] = await db.sql`select current_user::text as name, (select count(*) from identity.users) as users`;
  expect(row).toEqual({ name: "opsconductor_app", users: 0n });
});

test("columns become camel case and keys inside jsonb stay as they are", async () => {
  const [row] = await db.sql`select 1 as some_column, ${db.sql.json({ snake_key: [1] })}::jsonb as some_value`;
  expect(row).toEqual({ someColumn: 1, someValue: { snake_key: [1] } });
});

test("int8 goes in and comes out as BigInt beyond 2^53", async () => {
  const fence = (1n << 60n) + 1n;
  const [row] = await db.sql`select ${fence}::int8 as fence`;
  expect(row!.fence).toBe(fence);
});

test("the application may add to the audit log and never change it", async () => {
  const id = "01999999-0000-7000-8000-000000000001";
  await db.sql`insert into communication.audit (id, at, actor_kind, action) values (${id}, now(), 'system', 'test.done')`;
  await expect(db.sql`update communication.audit set action = 'other'`).rejects.toThrow("permission denied");
  await expect(db.sql`delete from communication.audit`).rejects.toThrow("permission denied");
  await expect(db.sql`truncate communication.audit`).rejects.toThrow("permission denied");
  await expect(db.sql`create table fleet.extra (id int)`).rejects.toThrow("permission denied");
});

test("history of this month has its partitions", async () => {
  const [row] = await db.sql`select count(*) as n from pg_inherits where inhparent = 'automation.executions'::regclass`;
  expect(row!.n).toBeGreaterThanOrEqual(2n);
});

test("a transaction whose program was paused loses its locks", async () => {
  const paused = connect(db.connections.app, { max: 1, idleInTransactionMs: 200 });
  const held = Promise.withResolvers<void>();
  const over = paused
    .begin(async (tx) => {
      await tx`select pg_advisory_xact_lock(4711)`;
      held.resolve();
      await new Promise(() => {}); // the pause: this program says nothing any more
    })
    .catch((error: unknown) => error);
  await held.promise;
  await db.sql.begin((tx) => tx`select pg_advisory_xact_lock(4711)`);
  expect(await over).toBeInstanceOf(Error);
  const [row] = await db.sql`select current_setting('idle_in_transaction_session_timeout') as value`;
  expect(row).toEqual({ value: "15s" });
  await paused.end({ timeout: 1 });
});
