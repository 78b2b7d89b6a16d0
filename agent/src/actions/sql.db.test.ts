import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { ActionBench } from "./testing/action-bench.ts";

let bench: ActionBench;
beforeEach(() => {
  bench = new ActionBench();
});
afterEach(() => bench.close());

interface Server {
  socketDir: string;
  username: string;
  password: string;
}

/** The server of this run; each test has a table of its own. */
function target() {
  const { owner } = inject("postgres" as never) as { owner: Server };
  const { socketDir: host, username, password } = owner;
  bench.write("db.yaml", JSON.stringify({ username, password }), 0o600);
  return { engine: "postgresql", host, database: "postgres", credential: "db" };
}

test("a statement is bound, told and counted; in check mode one that changes is only announced", async () => {
  const on = target();
  await bench.run("sql", { ...on, query: "drop table if exists action_a" });
  const made = await bench.run("sql", { ...on, query: "create table action_a (n int, t text)" });
  expect(made.outputs.count).toBe("0");
  const text = "'; drop table action_a; -- $(id) \n\"";
  const insert = { ...on, query: "insert into action_a values ($1::int, $2::text)", params: ["7", text] };
  expect(await bench.check("sql", insert)).toMatchObject({ changed: true, message: expect.stringContaining("would") });
  const read = { ...on, query: "select n, t from action_a", changes: false };
  expect((await bench.run("sql", read)).outputs).toEqual({ rows: "[]", count: "0" });
  expect(await bench.run("sql", insert)).toMatchObject({ changed: true, outputs: { count: "1" } });
  expect(await bench.run("sql", { ...on, query: "update action_a set n = 1 where n = 99" })).toMatchObject({
    changed: false,
  });
  const { outputs, changed } = await bench.check("sql", read);
  expect([JSON.parse(outputs.rows!), outputs.count, changed]).toEqual([[{ n: 7, t: text }], "1", false]);
  await bench.run("sql", { ...on, query: "drop table action_a" });
});

test("another number of rows than expected is undone", async () => {
  const on = target();
  await bench.run("sql", { ...on, query: "create table action_b as select n from generate_series(1, 3) n" });
  const remove = { ...on, query: "delete from action_b where n > $1::int", params: [1] };
  await expect(bench.run("sql", { ...remove, expectRows: 1 })).rejects.toThrow("2 rows, not 1: it was undone");
  expect((await bench.run("sql", { ...on, query: "select 1 from action_b", changes: false })).outputs.count).toBe("3");
  expect((await bench.run("sql", { ...remove, expectRows: 2 })).outputs.count).toBe("2");
  await bench.run("sql", { ...on, query: "drop table action_b" });
});

test("what the database says is the reason, several statements are refused, and a slow one is ended", async () => {
  const on = target();
  await expect(bench.run("sql", { ...on, query: "select * from no_such" })).rejects.toThrow(/postgresql: .*no_such/);
  await expect(bench.run("sql", { ...on, query: "select 1; select 2" })).rejects.toThrow(/multiple commands/);
  const slow = bench.run("sql", { ...on, query: "select pg_sleep(30)", timeout: "300ms", changes: false });
  await expect(slow).rejects.toThrow(/statement timeout/);
  await expect(bench.run("sql", { ...on, port: 1, query: "select 1" })).rejects.toThrow(/postgresql: /);
  await expect(bench.run("sql", { ...on, credential: "none", query: "select 1" })).rejects.toThrow(
    "no credential none",
  );
});
