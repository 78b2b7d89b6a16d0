import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { until } from "@opsconductor/contract/testing/until";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ActionBench, type Performed } from "./testing/action-bench.ts";
import { databaseUser, type Engine, ToolDatabase } from "./testing/tool-database.ts";

/** Where the two databases speak differently. */
const words = {
  mysql: {
    places: "?, ?, ?, ?",
    sleep: "select sleep(30)",
    socket: "/socket",
    denied: /Access denied/,
    bytes: "x'00ff'",
  },
  postgresql: {
    ...{ places: "$1::int, $2::text, $3::bool, $4::text", sleep: "select pg_sleep(30)", socket: "" },
    ...{ denied: /password authentication failed/, bytes: "'\\x00ff'::bytea" },
  },
};

describe.each<Engine>(["mysql", "postgresql"])("sql with a real server: %s", (engine) => {
  const { places, sleep, socket, denied, bytes } = words[engine];
  const bench = new ActionBench();
  let database: ToolDatabase;

  beforeAll(async () => {
    database = await ToolDatabase.start(engine);
    credential("db", databaseUser);
    const make = "create table things (n int, t text, b boolean, nothing text)";
    await run({ query: make });
  });
  afterAll(async () => {
    await database.stop();
    bench.close();
  });

  const credential = (name: string, known: object) => bench.write(`${name}.yaml`, JSON.stringify(known), 0o600);
  const wish = (more: object) => ({
    ...{ engine, host: "127.0.0.1", port: database.port, credential: "db", timeout: "10s" },
    database: engine === "mysql" ? "shop" : "postgres",
    ...more,
  });
  const run = (more: object): Promise<Performed> => bench.run("sql", wish(more));
  const rowsOf = ({ outputs }: Performed): unknown[] => JSON.parse(outputs.rows!);
  const count = async (where = "true") =>
    Number((await run({ query: `select 1 from things where ${where}`, changes: false })).outputs.count);

  test("values are bound as they are, and what comes back is what was given", async () => {
    const text = "'; drop table things; -- $(id) \n\" \\ é€😀";
    const insert = { query: `insert into things values (${places})`, params: [7, text, true, null] };
    expect(await bench.check("sql", wish(insert))).toMatchObject({ changed: true, outputs: {} });
    expect(await count("n = 7")).toBe(0);
    expect(await run(insert)).toMatchObject({ changed: true, outputs: { count: "1" } });
    const read = { query: "select n, t, b, nothing from things where n = 7", changes: false };
    const [row] = rowsOf(await run(read)) as { b: unknown }[];
    expect({ ...row, b: Boolean(row!.b) }).toEqual({ n: 7, t: text, b: true, nothing: null });
    expect(await bench.check("sql", wish(read))).toMatchObject({ changed: false, outputs: { count: "1" } });
    expect(await run({ query: "update things set t = 'x' where n = 99" })).toMatchObject({ changed: false });
  });

  test("a place takes a number for limit; large numbers, dates and bytes come back whole", async () => {
    await run({ query: "insert into things (n) values (8)" });
    const place = engine === "mysql" ? "?" : "$1";
    const limited = { query: `select 1 from things limit ${place}`, params: [1], changes: false };
    expect((await run(limited)).outputs.count).toBe("1");
    const query = `select cast(9007199254740993 as decimal(30)) as large, ${bytes} as bytes, cast('2026-02-03' as date) as day`;
    const [row] = rowsOf(await run({ query, changes: false })) as Record<string, string>[];
    expect(row).toEqual({ large: "9007199254740993", bytes: "AP8=", day: expect.stringMatching(/^2026-02-03/) });
  });

  test("another number of rows than expected is undone", async () => {
    await run({ query: "insert into things (n) values (101), (102), (103)" });
    const remove = { query: "delete from things where n > 100" };
    await expect(run({ ...remove, expectRows: 1 })).rejects.toThrow("3 rows, not 1: it was undone");
    expect(await count("n > 100")).toBe(3);
    expect((await run({ ...remove, expectRows: 3 })).outputs.count).toBe("3");
    expect(await count("n > 100")).toBe(0);
  });

  test("a wrong password, another database, a mistake, several statements and a closed port say what they are", async () => {
    credential("wrong", { ...databaseUser, password: "wrong" });
    await expect(run({ credential: "wrong", query: "select 1" })).rejects.toThrow(denied);
    await expect(run({ database: "none", query: "select 1" })).rejects.toThrow(/none/);
    await expect(run({ query: "select * from no_such" })).rejects.toThrow(/no_such/);
    await expect(run({ query: "select 1; drop table things" })).rejects.toThrow(/syntax|multiple commands/);
    await expect(run({ port: 1, query: "select 1" })).rejects.toThrow(/ECONNREFUSED/);
  });

  test("TLS with a certificate that is checked, by address and by whom it is signed", async () => {
    const encrypted =
      engine === "mysql"
        ? "show status like 'Ssl_cipher'"
        : 'select version as "Value" from pg_stat_ssl where pid = pg_backend_pid()';
    const query = { query: encrypted, changes: false };
    const cipherWith = async (more: object) =>
      (rowsOf(await run({ ...query, ...more }))[0] as { Value: string | null }).Value;
    credential("trusting", { ...databaseUser, certificateAuthority: database.authority });
    expect(await cipherWith({ tls: "on", credential: "trusting" })).toMatch(/TLS/);
    expect(await cipherWith({ tls: "unverified" })).toMatch(/TLS/);
    expect((await cipherWith({ tls: "off" })) || "none").toBe("none");
    await expect(run({ ...query, tls: "on" })).rejects.toThrow(/127.0.0.1 is not trusted .*certificateAuthority/);
    // Signed by whom we trust, for another machine: whoever has any certificate could read the password.
    const other = { tls: "on", credential: "trusting", host: "localhost" };
    await expect(run({ ...query, ...other })).rejects.toThrow(/localhost is not trusted .*as its certificate does/);
  });

  test("through its socket, and without TLS where there is none", async () => {
    const { outputs } = await run({ host: `${database.socketFolder}${socket}`, query: "select 1", changes: false });
    expect(outputs.count).toBe("1");
  });

  test("a statement that takes too long is ended in the server, and what it did is undone", async () => {
    const slow = { query: `insert into things (n) select 55 from (${sleep}) as waited`, timeout: "300ms" };
    const running = async () => {
      const query =
        engine === "mysql"
          ? "select info as q from information_schema.processlist"
          : "select query as q from pg_stat_activity where state = 'active'";
      return rowsOf(await run({ query, changes: false })).some((row) =>
        String((row as { q: string }).q).startsWith("insert"),
      );
    };
    const failed = run(slow);
    await expect(failed).rejects.toThrow(engine === "mysql" ? "longer than 300ms: it was ended" : /statement timeout/);
    await until("the server to have ended it", async () => !(await running()));
    expect(await count("n = 55")).toBe(0);
  });

  test("a connection lost in the middle is told with what became of the statement", async () => {
    const line = await Line.to(database.port);
    const slow = { port: line.port, query: `insert into things (n) select 66 from (${sleep}) as waited` };
    line.cutAt = /insert into things/;
    await expect(run({ ...slow, expectRows: 1 })).rejects.toThrow(/: it is undone/);
    await expect(run(slow)).rejects.toThrow(engine === "mysql" ? /: it is undone, unless/ : /nobody knows whether/);
    line.cutAt = /read_only/;
    await expect(run({ ...slow, query: `${sleep} as read_only`, changes: false })).rejects.toThrow(/closed|CLOSED/);
    line.cutAt = /commit/i;
    const committed = { port: line.port, query: "insert into things (n) values (77)", expectRows: 1 };
    await expect(run(committed)).rejects.toThrow(/nobody knows whether the statement was done, look before/);
    line.close();
    await until("the server to have committed", async () => (await count("n = 77")) === 1);
  });
});

/** Between the action and the server. What is to be the last reaches the server, and the action no answer to it. */
class Line {
  cutAt = /never/;
  readonly #server = createServer((near) => this.#join(near));
  readonly #to: number;

  private constructor(to: number) {
    this.#to = to;
  }

  static async to(port: number): Promise<Line> {
    const line = new Line(port);
    await once(line.#server.listen(0, "127.0.0.1"), "listening");
    return line;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
  }

  #join(near: Socket): void {
    const far = connect(this.#to, "127.0.0.1");
    for (const socket of [near, far]) socket.on("error", () => socket.destroy());
    far.pipe(near);
    near.on("data", (bytes) => {
      const last = this.cutAt.test(bytes.toString("latin1"));
      if (last) near.destroy();
      if (last) far.end(bytes);
      else far.write(bytes);
    });
    near.on("end", () => far.end());
  }
}
