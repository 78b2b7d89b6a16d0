// npm run bench -- audit: what 500 rows a second in the audit log cost an execution's commit. Quiet and loaded phases take
// turns, so that a noisy machine is the same for all; the floor is as many rows, as large, in a bare table of the same
// database: what is above it is the log's own, its indexes and its chain.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { connect, type Sql } from "@opsconductor/database/connect";
import { Api } from "../../e2e/devstack/api.ts";
import { type Devstack, startDevstack } from "../../e2e/devstack/devstack.ts";
import { createJob, execute, onlineTarget } from "../../e2e/devstack/story.ts";
import { median, optionOf, percentile, print } from "./figures.ts";

const password = "bench-password-1";
const [rowsPerSecond, rowsPerChange, rounds] = [500, 5, 5];
/** Between two executions, so that they measure a commit and not a queue. */
const pauseMs = 25;
const definition = "apiVersion: opsconductor/v1\nkind: Job\nname: nothing\nsteps: [{ run: ['true'] }]\n";

type Load = "quiet" | "audit" | "bare";

export async function benchAudit(): Promise<void> {
  const seconds = Number(optionOf("--seconds") ?? 6);
  const stack = await startDevstack({ localAgent: true, adminPassword: password });
  const { app, owner } = connectionsOf(stack);
  try {
    const api = await Api.signIn(stack.url, "admin", password);
    const { name } = await onlineTarget(api);
    await createJob(api, definition);
    await owner`create table bare (like communication.audit)`;
    const commit = async () => void (await execute(api, "nothing", { targets: { names: [name] } }));
    await measured(commit, 3); // warms up
    const durations: Record<Load, number[]> = { quiet: [], audit: [], bare: [] };
    const written = { quiet: 0, audit: 0, bare: 0 };
    let mostBehind = 0;
    for (let round = 0; round < rounds; round++)
      for (const load of ["quiet", "audit", "bare"] as const) {
        const writer = startWriter(load === "bare" ? owner : app, load);
        durations[load].push(...(await measured(commit, seconds)));
        if (load === "audit") mostBehind = Math.max(mostBehind, await unchained(app));
        written[load] += await writer.stop();
      }
    const drained = await drainPerSecond(app);
    const p50 = (load: Load) => median(durations[load]);
    print("audit", `an execution's POST beside ${rowsPerSecond} audit rows a second, ${rounds} × ${seconds} s each`, [
      { name: "POST execute, quiet, p50", value: p50("quiet"), unit: "ms" },
      { name: "POST execute, with audit rows, p50", value: p50("audit"), unit: "ms" },
      { name: "POST execute, with audit rows, p99", value: percentile(durations.audit, 0.99), unit: "ms" },
      {
        name: "floor: with bare rows, p50",
        value: p50("bare"),
        unit: "ms",
        note: "the same rows without log and chain",
      },
      { name: "slower than quiet", value: (p50("audit") / p50("quiet") - 1) * 100, unit: "%" },
      {
        name: "slower than beside bare rows",
        value: (p50("audit") / p50("bare") - 1) * 100,
        unit: "%",
        note: "bar: 10",
      },
      { name: "audit rows a second", value: written.audit / (rounds * seconds), unit: "" },
      { name: "rows not chained at the end of a phase, at most", value: mostBehind, unit: "" },
      { name: "rows chained a second, from a backlog", value: drained, unit: "", note: "bar: 500" },
    ]);
  } finally {
    await Promise.all([app.end(), owner.end()]);
    await stack.stop();
  }
}

function connectionsOf(stack: Devstack): { app: Sql; owner: Sql } {
  const { directory, appPassword, ownerPassword } = JSON.parse(
    readFileSync(join(stack.dataDir, "postgres.json"), "utf8"),
  );
  const socketDir = join(resolve(stack.dataDir, directory), "run");
  const as = (username: string, secret: string) =>
    connect({ socketDir, database: "opsconductor", username, password: secret }, { max: 2 });
  return { app: as("opsconductor_app", appPassword), owner: as("opsconductor", ownerPassword) };
}

async function measured(work: () => Promise<void>, seconds: number): Promise<number[]> {
  const durations: number[] = [];
  for (const began = performance.now(); performance.now() - began < seconds * 1000; ) {
    const from = performance.now();
    await work();
    durations.push(performance.now() - from);
    await new Promise((done) => setTimeout(done, pauseMs));
  }
  return durations;
}

/** A change with some rows each time, as a busy controller commits them. */
function startWriter(sql: Sql, load: Load): { stop(): Promise<number> } {
  let rows = 0;
  const writes: Promise<void>[] = [];
  const everyMs = (1000 * rowsPerChange) / rowsPerSecond;
  const began = performance.now();
  const catchUp = () => {
    while (rows < ((performance.now() - began) / everyMs) * rowsPerChange) {
      rows += rowsPerChange;
      writes.push(writeRows(sql, load === "bare" ? sql`bare` : sql`communication.audit`, rowsPerChange));
    }
  };
  const timer = load === "quiet" ? undefined : setInterval(catchUp, everyMs);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(writes);
      return rows;
    },
  };
}

async function writeRows(sql: Sql, table: ReturnType<Sql>, count: number): Promise<void> {
  await sql`
    insert into ${table} (id, at, actor_kind, actor_id, actor_name, address, action, object_kind, object_id, object_name,
      outcome, before, after, detail)
    select uuidv7(), now(), 'user', 'bench', 'bench', '127.0.0.1', 'target.updated', 'target', n::text, 'web-' || n, 'ok',
      '{"labels": {"env": "test"}, "description": "a text as long as one"}', '{"labels": {"env": "prod"}}', '{}'
    from generate_series(1, ${count}::int) as n`;
}

async function unchained(sql: Sql): Promise<number> {
  const [row] = await sql<[{ waiting: bigint }]>`select count(*) as waiting from communication.audit_unchained`;
  return Number(row.waiting);
}

/** How fast the chain catches up: the controller's appender comes twice a second and takes all that waits. */
async function drainPerSecond(sql: Sql): Promise<number> {
  const backlog = 20_000;
  await writeRows(sql, sql`communication.audit`, backlog);
  const began = performance.now();
  while ((await unchained(sql)) > 0) await new Promise((done) => setTimeout(done, 20));
  return (backlog / (performance.now() - began)) * 1000;
}
