// A cluster of its own for each test: what happens when the postmaster or the program around it is killed.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connect } from "../connect.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "./embedded-postgres.ts";
import { isAlive, readPostmasterFile, strayBackends } from "./processes.ts";

const isRoot = process.getuid?.() === 0;
const settings = { fsync: "off", shared_buffers: "4MB" };
let folder: string;
let started: EmbeddedPostgres[];
let said: string[];

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "embedded-")));
  chmodSync(folder, 0o711);
  started = [];
  said = [];
});
afterEach(async () => {
  await Promise.all(started.map((s) => s.stop()));
  await expect.poll(() => strayBackends(join(folder, "postgres/data")), { timeout: 5000 }).toEqual([]);
  rmSync(folder, { recursive: true });
});

const note = (_: object, message: string) => void said.push(message);
async function start(dataDir = folder, throwaway = true, stopPatienceMs?: number): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({
    dataDir,
    log: { info: note, warn: note, error: note },
    settings,
    throwaway,
    ...(stopPatienceMs === undefined ? {} : { stopPatienceMs }),
  });
  started.push(postgres);
  return postgres;
}

async function answer(postgres: EmbeddedPostgres): Promise<string> {
  const sql = connect(postgres.app, { max: 1 });
  try {
    const [row] = await sql`select current_user::text as name`;
    return row!.name;
  } finally {
    await sql.end();
  }
}

/** What a program that is killed leaves: its postmaster, and nobody who watches it. */
async function abandon(postgres: EmbeddedPostgres): Promise<number> {
  const pid = postgres.pid()!;
  await postgres.unwatch();
  started = started.filter((s) => s !== postgres);
  return pid;
}

test("a first start makes a private cluster that only knows the two roles' passwords", async () => {
  const postgres = await start();
  expect(await answer(postgres)).toBe("opsconductor_app");
  expect(statSync(join(folder, "postgres.json")).mode & 0o777).toBe(0o600);
  expect(statSync(postgres.app.socketDir).mode & 0o777).toBe(0o700);
  const wrong = connect({ ...postgres.app, password: "wrong" }, { max: 1 });
  await expect(wrong`select 1`).rejects.toThrow("password authentication failed");
  await wrong.end();
  const sql = connect(postgres.owner, { max: 1 });
  const [row] =
    await sql`select current_setting('listen_addresses') as tcp, current_setting('server_encoding') as encoding`;
  expect(row).toEqual({ tcp: "", encoding: "UTF8" });
  await sql.end();
});

test("a second start finds the same cluster, data and passwords", async () => {
  const first = await start();
  const sql = connect(first.owner, { max: 1 });
  await sql`create table kept as select 42 as n`;
  await sql.end();
  await first.stop();
  const second = await start();
  const again = connect(second.owner, { max: 1 });
  expect((await again`select n from kept`)[0]).toEqual({ n: 42 });
  await again.end();
});

test("a postmaster that outlived its program is adopted, and stopped in the end", async () => {
  const pid = await abandon(await start());
  const next = await start();
  expect([next.adopted, next.pid()]).toEqual([true, pid]);
  expect(await answer(next)).toBe("opsconductor_app");
  await next.stop();
  expect(isAlive(pid)).toBe(false);
});

test("a postmaster killed while we watch is restarted, and connections come back by themselves", async () => {
  const postgres = await start();
  const sql = connect(postgres.app, { max: 2 });
  await sql`select 1`;
  const before = postgres.pid()!;
  process.kill(before, "SIGKILL");
  const works = () => sql`select 1`.then(() => postgres.pid() !== before).catch(() => false);
  await expect.poll(works, { timeout: 10_000, interval: 50 }).toBe(true);
  expect(said).toContain("postgres.died");
  await sql.end();
});

test("a busy backend that survives its postmaster is ended, so that the next one can start", async () => {
  const postgres = await start();
  const sql = connect(postgres.owner, { max: 1 });
  const busy = sql.unsafe("do $$ declare i bigint := 0; begin loop i := i + 1; end loop; end $$").catch(() => "cut");
  const watcher = connect(postgres.owner, { max: 1 });
  const running = async () => {
    const [row] =
      await watcher`select count(*) as n from pg_stat_activity where query like 'do $$%' and state = 'active'`;
    return row!.n === 1n;
  };
  await expect.poll(running).toBe(true);
  await watcher.end();
  const before = postgres.pid()!;
  process.kill(before, "SIGKILL");
  expect(await busy).toBe("cut");
  await expect.poll(() => said.includes("postgres.strays_ended"), { timeout: 10_000 }).toBe(true);
  await expect.poll(() => answer(postgres).catch(() => "away"), { timeout: 10_000 }).toBe("opsconductor_app");
  await sql.end({ timeout: 1 });
});

test("a postmaster killed while nobody watched is repaired by the next start", async () => {
  const pid = await abandon(await start());
  process.kill(pid, "SIGKILL");
  const next = await start();
  expect(next.adopted).toBe(false);
  expect(await answer(next)).toBe("opsconductor_app");
});

test("a postmaster that was told to stop and does not is ended by the next start", async () => {
  const first = await start();
  const sql = connect(first.owner, { max: 1 });
  await sql`select 1`; // a client that stays: a smart shutdown waits for it for ever
  const pid = await abandon(first);
  process.kill(pid, "SIGTERM");
  await expect.poll(() => readPostmasterFile(join(folder, "postgres/data"))?.stopping).toBe(true);
  process.kill(pid, "SIGSTOP"); // and does not hear of any other way to stop
  const next = await start(folder, true, 200);
  expect(next.adopted).toBe(false);
  expect(next.pid()).not.toBe(pid);
  expect(await answer(next)).toBe("opsconductor_app");
  await sql.end({ timeout: 1 });
});

test("lock files that name somebody else's process do not keep it from starting", async () => {
  const first = await start();
  const lock = join(first.app.socketDir, ".s.PGSQL.5432.lock");
  const [lockText, pidText] = [
    readFileSync(lock, "utf8"),
    readFileSync(join(folder, "postgres/data/postmaster.pid"), "utf8"),
  ];
  await first.stop();
  const foreign = (text: string) => text.replace(/^\d+/, String(process.ppid));
  writeFileSync(lock, foreign(lockText));
  writeFileSync(join(folder, "postgres/data/postmaster.pid"), foreign(pidText));
  expect(await answer(await start())).toBe("opsconductor_app");
});

test("a first start that was killed inside initdb begins again", async () => {
  mkdirSync(join(folder, "postgres/data.new"), { recursive: true });
  writeFileSync(join(folder, "postgres/data.new/PG_VERSION"), "18");
  expect(await answer(await start())).toBe("opsconductor_app");
  expect(existsSync(join(folder, "postgres/data.new"))).toBe(false);
});

test("a cluster that is gone is an error with its place, not an empty database", async () => {
  await (await start()).stop();
  rmSync(join(folder, "postgres/data"), { recursive: true });
  await expect(start()).rejects.toThrow(/which is not there. Bring it back, or remove .*postgres.json/);
});

test("a cluster that cannot start says why", async () => {
  const postgres = await start();
  await postgres.stop();
  rmSync(join(folder, "postgres/data/global/pg_control"));
  await expect(start()).rejects.toThrow(/did not start: [\s\S]*pg_control/);
});

test.runIf(isRoot)(
  "below a folder that is closed to PostgreSQL's user the cluster lies elsewhere, recorded",
  async () => {
    const closed = join(folder, "closed");
    mkdirSync(join(closed, "data"), { recursive: true });
    chmodSync(closed, 0o700);
    const postgres = await start(join(closed, "data"), false);
    expect(postgres.elsewhere).toBe(true);
    expect(postgres.directory).toMatch(/^\/var\/lib\/opsconductor\/embedded\/[0-9a-f]{8}$/);
    expect(await answer(postgres)).toBe("opsconductor_app");
    expect(JSON.parse(readFileSync(join(closed, "data/postgres.json"), "utf8")).directory).toBe(postgres.directory);
    await postgres.stop();
    rmSync(postgres.directory, { recursive: true });
  },
);

test("a path too long for a socket gets a short private folder for it", async () => {
  const long = join(folder, "x".repeat(90));
  mkdirSync(long, { mode: 0o711 });
  const postgres = await start(long);
  expect(postgres.app.socketDir.length).toBeLessThan(92);
  expect(await answer(postgres)).toBe("opsconductor_app");
  await postgres.stop();
  rmSync(postgres.app.socketDir, { recursive: true });
});
