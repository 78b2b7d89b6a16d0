import { createHash } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connect } from "./connect.ts";
import { type Migration, MigrationRefused, migrate, programSchemaVersion, readMigrations } from "./migrate.ts";
import { type TestDatabase, testDatabase } from "./testing/test-database.ts";

let db: TestDatabase;
beforeEach(async () => {
  db = await testDatabase(); // at the program's version already
});
afterEach(() => db.close());

const role = "opsconductor_app";
const next = (sql: string, version = programSchemaVersion() + 1): Migration => {
  const name = `${String(version).padStart(4, "0")}-next.sql`;
  return { version, name, sql, sha256: createHash("sha256").update(sql).digest("hex") };
};
const versions = async () =>
  (await db.owner`select version from public.schema_migrations order by 1`).map((r) => r.version);

test("a database at the program's version is left as it is", async () => {
  expect(await migrate(db.owner, role)).toEqual({ applied: [] });
});

test("a missing migration is applied once, and the application may use what it made", async () => {
  const more = [...readMigrations(), next("create table assets.extra (id int); insert into assets.extra values (1)")];
  expect(await migrate(db.owner, role, more)).toEqual({ applied: [more.at(-1)!.name] });
  expect(await migrate(db.owner, role, more)).toEqual({ applied: [] });
  expect(await db.sql`select id from assets.extra`).toEqual([{ id: 1 }]);
});

test("two controllers that migrate at once apply everything once", async () => {
  const more = [...readMigrations(), next("create table assets.extra (id int); select pg_sleep(0.2)")];
  const other = connect(db.connections.owner, { max: 1 });
  const results = await Promise.all([migrate(db.owner, role, more), migrate(other, role, more)]);
  expect(results.map((r) => r.applied.length).sort()).toEqual([0, 1]);
  await other.end();
});

test("a migration that fails changes nothing, names itself, and leaves the lock free", async () => {
  const broken = [...readMigrations(), next("create table assets.extra (id int); select 1/0")];
  await expect(migrate(db.owner, role, broken)).rejects.toThrow(
    /-next.sql failed and changed nothing: division by zero/,
  );
  expect(await versions()).toEqual(readMigrations().map((m) => m.version));
  expect((await db.owner`select to_regclass('assets.extra') as found`)[0]).toEqual({ found: null });
  expect(await migrate(db.owner, role)).toEqual({ applied: [] });
});

test("a database newer than the program is refused, and stays as it is", async () => {
  await migrate(db.owner, role, [...readMigrations(), next("create table assets.extra (id int)")]);
  const refusal = migrate(db.owner, role);
  await expect(refusal).rejects.toThrow(MigrationRefused);
  await expect(refusal).rejects.toThrow(
    /newer than this program: it has schema version \d+, this program knows up to \d+/,
  );
  expect(await versions()).toContain(programSchemaVersion() + 1);
});

test("a migration file that was changed after it was applied is refused by name", async () => {
  const edited = readMigrations().map((m, i) => (i === 0 ? { ...m, sha256: "0".repeat(64) } : m));
  await expect(migrate(db.owner, role, edited)).rejects.toThrow(/another 0001-first.sql than this program has/);
});
