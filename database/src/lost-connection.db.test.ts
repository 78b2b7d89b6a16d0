// What is left when a connection is lost, at whatever moment: a transaction that fails with what is known about it, and a
// pool that goes on at its full size. An error that nobody can catch would fail the whole run.
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type ConnectOptions, connect, type Query, type Sql } from "./connect.ts";
import { type PassingMessage, type PostgresProxy, startPostgresProxy, type Verdict } from "./testing/postgres-proxy.ts";
import { type TestDatabase, testDatabase } from "./testing/test-database.ts";
import { TransactionLost } from "./transaction-lost.ts";

let db: TestDatabase;
const closers: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  db = await testDatabase();
  await db.owner`create table kept (n int primary key)`;
  await db.owner`grant all on kept to opsconductor_app`;
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await db.owner`truncate kept`;
});
afterAll(() => db.close());

function pool(options: ConnectOptions = {}): Sql {
  const sql = connect(db.connections.app, { max: 1, ...options });
  closers.push(() => sql.end({ timeout: 1 }));
  return sql;
}

/** A pool that reaches PostgreSQL through a proxy which cuts where `decide` says so. */
async function proxied(decide: (message: PassingMessage) => Verdict): Promise<{ sql: Sql; proxy: PostgresProxy }> {
  const { socketDir, username, password, database } = db.connections.app;
  const proxy = await startPostgresProxy({ upstream: { path: `${socketDir}/.s.PGSQL.5432` }, decide });
  closers.push(() => proxy.close());
  const sql = connect({ url: `postgres://${username}:${password}@127.0.0.1:${proxy.port}/${database}` }, { max: 1 });
  closers.push(() => sql.end({ timeout: 1 }));
  return { sql, proxy };
}

const pidOf = async (q: Query) => (await q<{ pid: number }[]>`select pg_backend_pid() as pid`)[0]!.pid;
/** Answers when it is dead; PostgreSQL looks every 100 ms. */
const kill = (pid: number) => db.owner`select pg_terminate_backend(${pid}, 5000)`;
const beginToKill = (pid: number) => db.owner`select pg_terminate_backend(${pid})`;
const rows = async () => (await db.owner<{ n: number }[]>`select n from kept order by n`).map((row) => row.n);
const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error as Error & { code?: string },
  );

/** As many transactions at once as the pool is wide, each on a connection of its own. */
async function expectFullSize(sql: Sql, max: number): Promise<void> {
  const arrived = Promise.withResolvers<void>();
  let waiting = 0;
  const holders = Array.from({ length: max }, () =>
    sql.begin(async (tx) => {
      const pid = await pidOf(tx);
      if (++waiting === max) arrived.resolve();
      await arrived.promise;
      return pid;
    }),
  );
  expect(new Set(await Promise.all(holders)).size).toBe(max);
}

test("a transaction that was idle for too long fails, says why, and leaves the pool working", async () => {
  const sql = pool({ idleInTransactionMs: 100 });
  const inside = Promise.withResolvers<Error | undefined>();
  const failure = await failureOf(
    sql.begin(async (tx) => {
      await tx`insert into kept values (1)`;
      await expect.poll(() => sql`select 1 as alive`.catch(() => []), { timeout: 5000 }).toEqual([{ alive: 1 }]);
      inside.resolve(await failureOf(tx`insert into kept values (2)`));
    }),
  );
  expect(failure).toBeInstanceOf(TransactionLost);
  expect(failure).toMatchObject({ code: "TRANSACTION_LOST", outcome: "rolled back" });
  expect(failure!.message).toContain("terminating connection due to idle-in-transaction timeout");
  expect(await inside.promise).toMatchObject({ code: "CONNECTION_CLOSED" });
  expect(await rows()).toEqual([]);
  await expectFullSize(sql, 1);
});

test("a statement of a lost transaction never runs on the connection that took its place, nor in its transaction", async () => {
  const sql = pool();
  const other = Promise.withResolvers<void>();
  const late = Promise.withResolvers<unknown>();
  const failure = await failureOf(
    sql.begin(async (tx) => {
      await kill(await pidOf(tx));
      const second = sql.begin(async (foreign) => {
        await foreign`insert into kept values (1)`;
        late.resolve(await failureOf(tx`insert into kept values (2)`));
        await other.promise;
      });
      await late.promise;
      second.catch(() => undefined);
      closers.push(() => second);
      // The end of this function would commit; on the connection of the second transaction.
    }),
  );
  expect(failure).toMatchObject({ outcome: "rolled back" });
  expect(await late.promise).toMatchObject({ code: "CONNECTION_CLOSED" });
  expect(await rows()).toEqual([]);
  other.resolve();
  await closers.pop()!();
  expect(await rows()).toEqual([1]);
});

test("a statement in flight fails its transaction, those that wait behind it fail too", async () => {
  const sql = pool();
  const settled = Promise.withResolvers<PromiseSettledResult<unknown>[]>();
  const failure = await failureOf(
    sql.begin(async (tx) => {
      const pid = await pidOf(tx);
      const sleeping = tx`select pg_sleep(20), ${1}::int`; // a parameter: the next ones wait until it is described
      const behind = [tx`insert into kept values (${1})`, tx`insert into kept values (${2})`];
      const all = Promise.allSettled([sleeping, ...behind]);
      const active = () => db.owner`select 1 as n from pg_stat_activity where pid = ${pid} and query like '%pg_sleep%'`;
      await expect.poll(active).toHaveLength(1);
      await kill(pid);
      settled.resolve(await all);
      await Promise.all([sleeping, ...behind]);
    }),
  );
  expect(failure).toMatchObject({ code: "TRANSACTION_LOST", outcome: "rolled back" });
  expect(failure!.message).toContain("administrator command");
  expect((await settled.promise).map((s) => s.status)).toEqual(["rejected", "rejected", "rejected"]);
  expect(await rows()).toEqual([]);
  await expectFullSize(sql, 1);
});

test("a connection lost between COMMIT and its answer leaves the outcome unknown, and says so", async () => {
  let cuts = 1;
  const { sql } = await proxied((m) => (m.tag === "COMMIT" && cuts-- > 0 ? "cut" : "pass"));
  const failure = await failureOf(sql.begin((tx) => tx`insert into kept values (1)`));
  expect(failure).toMatchObject({ code: "TRANSACTION_LOST", outcome: "unknown" });
  expect(await rows()).toEqual([1]);
  await expectFullSize(sql, 1);
});

test("a COMMIT that does not reach the server is unknown to us as well, and was not done", async () => {
  let cuts = 1;
  const { sql } = await proxied((m) => (m.type === "E" && m.statement === "commit" && cuts-- > 0 ? "reset" : "pass"));
  expect(await failureOf(sql.begin((tx) => tx`insert into kept values (1)`))).toMatchObject({ outcome: "unknown" });
  expect(await rows()).toEqual([]);
  await expectFullSize(sql, 1);
});

test("a transaction that was rolled back or committed takes no further statements", async () => {
  const sql = pool();
  const gate = Promise.withResolvers<void>();
  const stragglers: Promise<unknown>[] = [];
  const later = (tx: Query, n: number) => gate.promise.then(() => tx`insert into kept values (${n})`);
  const rolledBack = sql.begin((tx) => {
    stragglers.push(failureOf(later(tx, 1)));
    return Promise.reject(new Error("changed my mind"));
  });
  expect(await failureOf(rolledBack)).toMatchObject({ message: "changed my mind" });
  await sql.begin(async (tx) => void stragglers.push(failureOf(later(tx, 2))));
  gate.resolve();
  for (const straggler of stragglers) expect(await straggler).toMatchObject({ code: "TRANSACTION_ENDED" });
  expect(await rows()).toEqual([]);
});

test("a cut at any message of a connection's life is an error that can be caught, and the next use works", async () => {
  const work = (sql: Sql) =>
    sql.begin(async (tx) => {
      await tx`select ${[1, 2]}::int[] as list`;
      const sink = await tx`copy kept from stdin`.writable();
      await pipeline(Readable.from([Buffer.from("1\n"), Buffer.from("2\n")]), sink);
      await tx`delete from kept where n = ${2}`;
    });
  let at = 0;
  let armed = true;
  const seen = new Map<number, number>();
  const { sql, proxy } = await proxied((m) => {
    if (m.from === "server" && m.type === "D") return "pass"; // hundreds of rows about types
    const index = seen.get(m.connection) ?? 0;
    seen.set(m.connection, index + 1);
    if (!armed || index !== at) return "pass";
    armed = false;
    return at % 2 === 0 ? "cut" : "reset";
  });
  for (; ; at++) {
    armed = true;
    proxy.cutAll();
    let failure = await failureOf(work(sql));
    while (failure && armed) failure = await failureOf(work(sql)); // on the connection that cutAll closed
    if (armed) break; // this was beyond the last message
    const committed = (await rows()).length > 0;
    const outcome = failure ? (failure as TransactionLost).outcome : "committed";
    const expected = outcome === "unknown" ? expect.any(String) : committed ? "committed" : "rolled back";
    expect({ at, outcome, failure }).toEqual({ at, outcome: expected, failure });
    expect(await sql`select 1 as n`).toEqual([{ n: 1 }]);
    await db.owner`truncate kept`;
  }
  armed = false;
  expect(at).toBeGreaterThan(50);
  await expectFullSize(sql, 1);
}, 60_000);

test("COPY that fails with its last byte tells its writer", async () => {
  const sql = pool();
  const copied = sql.begin(async (tx) => {
    const sink = await tx`copy kept from stdin`.writable();
    await pipeline(Readable.from([Buffer.from("1\n1\n")]), sink);
  });
  expect(await failureOf(copied)).toMatchObject({ code: "23505" });
  await expectFullSize(sql, 1);
});

test("a parameter that cannot be written fails its own statement and no other", async () => {
  const sql = pool();
  await sql
    .begin(async (tx) => {
      const one = tx`select 1 as n`;
      const bad = failureOf(tx`select ${undefined as never} as n`);
      const two = tx`select 2 as n`;
      expect(await Promise.all([one, two])).toEqual([[{ n: 1 }], [{ n: 2 }]]);
      expect(await bad).toMatchObject({ code: "UNDEFINED_VALUE" });
    })
    .catch((error) => expect(error).toMatchObject({ code: "UNDEFINED_VALUE" }));
  await expectFullSize(sql, 1);
});

test("200 transactions in a row lose their connection at all moments, and no place of the pool is lost", async () => {
  const max = 8;
  const sql = pool({ max });
  const outcomes: string[] = [];
  const late: Promise<unknown>[] = [];
  for (let round = 0; round < 200 / max; round++) {
    const works = Array.from({ length: max }, async (_, place) => {
      const failure = await failureOf(
        sql.begin(async (tx) => {
          const pid = await pidOf(tx);
          if (place % 4 === 0) await beginToKill(pid); // idle
          const written = tx`insert into kept values (${round * max + place})`;
          if (place % 4 === 1) await Promise.all([written, beginToKill(pid)]); // in flight, or just done
          await written;
          if (place % 4 === 2) late.push(failureOf(kill(pid))); // while it is committed, or after
          if (place % 4 === 3) await beginToKill(pid);
        }),
      );
      outcomes.push(failure ? (failure as TransactionLost).outcome : "committed");
    });
    await Promise.all(works);
  }
  expect(outcomes).toHaveLength(200);
  expect(outcomes.filter((o) => o === "rolled back").length).toBeGreaterThan(50);
  expect(new Set(outcomes)).not.toContain(undefined);
  await Promise.all(late);
  // What was killed after its commit was idle: whoever uses it next finds out, and these may fail for it.
  await Promise.all(Array.from({ length: 2 * max }, () => failureOf(sql`select 1`)));
  await expectFullSize(sql, max);
}, 60_000);

test("a server that takes connections and closes them at once is an error, not an endless wait", async () => {
  const { sql } = await proxied(() => "cut");
  expect(await failureOf(sql`select 1`)).toMatchObject({ code: "CONNECTION_CLOSED" });
  expect(await failureOf(sql.begin((tx) => tx`select 1`))).toMatchObject({ outcome: "rolled back" });
});

test("with several hosts each is tried once, and the one that works is used", async () => {
  const { socketDir, username, password, database } = db.connections.app;
  let dead = 0;
  const refusing = await startPostgresProxy({
    upstream: { path: `${socketDir}/.s.PGSQL.5432` },
    decide: () => {
      dead += 1;
      return "cut";
    },
  });
  const working = await startPostgresProxy({ upstream: { path: `${socketDir}/.s.PGSQL.5432` }, decide: () => "pass" });
  closers.push(refusing.close, working.close);
  const to = (...ports: number[]) => {
    const hosts = ports.map((port) => `127.0.0.1:${port}`).join(",");
    const sql = connect({ url: `postgres://${username}:${password}@${hosts}/${database}` }, { max: 1 });
    closers.push(() => sql.end({ timeout: 1 }));
    return sql;
  };
  expect(await to(refusing.port, working.port)`select 1 as n`).toEqual([{ n: 1 }]);
  dead = 0;
  expect(await failureOf(to(refusing.port, refusing.port)`select 1`)).toMatchObject({ code: "CONNECTION_CLOSED" });
  expect(dead).toBe(2);
});

test("a reserved connection that is lost refuses its statements, and giving it back does no harm", async () => {
  const sql = pool();
  const reserved = await sql.reserve();
  await kill(await pidOf(reserved));
  await expect.poll(() => failureOf(reserved`select 1`)).toMatchObject({ code: "CONNECTION_CLOSED" });
  reserved.release();
  await expectFullSize(sql, 1);
});
