// npm run bench -- throughput: many small executions, sustained. A fixed number of clients each start one execution after
// the other and wait for its end: first on one real agent that runs every step, then spread over simulated ones that run
// nothing, which shows what the controller takes. The floor is the same number of rows inserted and updated by as many
// clients in the same kind of PostgreSQL.
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { connect, type Sql } from "@opsconductor/database/connect";
import { startEmbeddedPostgres } from "@opsconductor/database/embedded/embedded-postgres";
import { Api } from "../../e2e/devstack/api.ts";
import { startDevstack } from "../../e2e/devstack/devstack.ts";
import { createJob, execute, onlineTarget } from "../../e2e/devstack/story.ts";
import { median, optionOf, percentile, print } from "./figures.ts";
import { startFleet } from "./simulated-fleet.ts";

const password = "bench-password-1";
const [clients, stepsPerJob, simulated] = [16, 10, 50];
const floorSeconds = 10;

export async function benchThroughput(): Promise<void> {
  const seconds = Number(optionOf("--seconds") ?? 60);
  const stack = await startDevstack({ localAgent: true, adminPassword: password });
  try {
    const api = await Api.signIn(stack.url, "admin", password);
    const target = await onlineTarget(api);
    await createJob(api, job("one-step", 1));
    await createJob(api, job("ten-steps", stepsPerJob));
    const run = (name: string, targets: readonly string[] = [target.name]) => {
      let turn = 0;
      return async () => {
        const names = [targets[turn++ % targets.length]!];
        const execution = await execute(api, name, { targets: { names }, waitSeconds: 60 });
        if (execution.state !== "succeeded") throw new Error(`Execution ${execution.id} is ${execution.state}`);
      };
    };
    await sustain(run("one-step"), 5); // warms up
    const one = await sustain(run("one-step"), seconds);
    const ten = await sustain(run("ten-steps"), seconds);
    const fleet = await startFleet(stack, api, simulated);
    const spread = await sustain(run("one-step", fleet.names), seconds);
    const spreadTen = await sustain(run("ten-steps", fleet.names), seconds);
    await fleet.stop();
    const floor = await measureFloor(stack.folder);
    print("throughput", `${clients} clients, agents on the same machine, ${seconds} s each`, [
      { name: "one step: executions a second", value: one.perSecond, unit: "" },
      { name: "one step: finished, p50", value: median(one.durations), unit: "ms" },
      { name: "one step: finished, p99", value: percentile(one.durations, 0.99), unit: "ms" },
      { name: `${stepsPerJob} steps: step runs a second`, value: ten.perSecond * stepsPerJob, unit: "" },
      { name: `${stepsPerJob} steps: finished, p50`, value: median(ten.durations), unit: "ms" },
      { name: `${stepsPerJob} steps: finished, p99`, value: percentile(ten.durations, 0.99), unit: "ms" },
      { name: `${simulated} simulated agents: executions a second`, value: spread.perSecond, unit: "" },
      { name: `${simulated} simulated agents: finished, p99`, value: percentile(spread.durations, 0.99), unit: "ms" },
      {
        name: `${simulated} simulated agents, ${stepsPerJob} steps: step runs a second`,
        value: spreadTen.perSecond * stepsPerJob,
        unit: "",
      },
      { name: "floor: the rows of one step a second", value: floor.perSecond, unit: "", note: "insert, then update" },
      { name: "floor, p99", value: percentile(floor.durations, 0.99), unit: "ms" },
      { name: "floor / executions a second", value: floor.perSecond / one.perSecond, unit: "×" },
    ]);
  } finally {
    await stack.stop();
  }
}

const job = (name: string, steps: number) =>
  `apiVersion: opsconductor/v1\nkind: Job\nname: ${name}\nsteps:\n${"  - run: ['true']\n".repeat(steps)}`;

/** As many as `clients` do one after the other; what is under way at the end is finished and counted. */
async function sustain(
  work: () => Promise<void>,
  seconds: number,
): Promise<{ perSecond: number; durations: number[] }> {
  const durations: number[] = [];
  const began = performance.now();
  const client = async () => {
    while (performance.now() - began < seconds * 1000) {
      const from = performance.now();
      await work();
      durations.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return { perSecond: (durations.length / (performance.now() - began)) * 1000, durations };
}

/** What one execution of one step leaves: six rows inserted when it is asked for and begins, four updated at its end. */
async function measureFloor(folder: string): Promise<{ perSecond: number; durations: number[] }> {
  const dataDir = mkdtempSync(join(folder, "floor-"));
  const log = { info() {}, warn: console.warn, error: console.error };
  const server = await startEmbeddedPostgres({ dataDir, log });
  const sql = connect(server.owner, { max: clients });
  try {
    await sql`create table one (id uuid, kind integer, state text, detail jsonb, primary key (id, kind))`;
    await sustain(() => writeRows(sql), 2);
    return await sustain(() => writeRows(sql), floorSeconds);
  } finally {
    await sql.end();
    await server.stop();
    rmSync(dataDir, { recursive: true });
  }
}

async function writeRows(sql: Sql): Promise<void> {
  const [row] = await sql<[{ id: string }]>`
    with execution as materialized (select uuidv7() as id)
    insert into one select id, kind, 'queued', '{"seed": "a text as long as a small one"}'
    from execution, generate_series(1, 6) as kind returning id`;
  await sql`update one set state = 'succeeded' where id = ${row.id} and kind <= 4`;
}
