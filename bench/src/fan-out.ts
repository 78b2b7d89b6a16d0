// npm run bench -- fan-out [--agents 1000]: one execution of one step on all of N connected agents, until every outcome is
// durable and visible. The agents are simulated (simulated-fleet.ts): their hosts do nothing. The floor is one bulk insert
// and one bulk update of as many rows as the execution leaves.
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { connect } from "@opsconductor/database/connect";
import { startEmbeddedPostgres } from "@opsconductor/database/embedded/embedded-postgres";
import { Api } from "../../e2e/devstack/api.ts";
import { startDevstack } from "../../e2e/devstack/devstack.ts";
import { createJob, execute } from "../../e2e/devstack/story.ts";
import { median, optionOf, print, timed } from "./figures.ts";
import { startFleet } from "./simulated-fleet.ts";

const password = "bench-password-1";
const runs = 7;
/** Of one target: its assignment, its step and its try. */
const rowsPerTarget = 3;

export async function benchFanOut(): Promise<void> {
  const count = Number(optionOf("--agents") ?? 1000);
  const stack = await startDevstack({ adminPassword: password });
  try {
    const enrolling = await Api.signIn(stack.url, "admin", password);
    const from = performance.now();
    const fleet = await startFleet(stack, enrolling, count);
    const enrolledMs = performance.now() - from;
    try {
      const api = await Api.signIn(stack.url, "admin", password);
      await createJob(api, "apiVersion: opsconductor/v1\nkind: Job\nname: all\nsteps:\n  - run: ['true']\n");
      const once = async () => {
        const execution = await execute(api, "all", { targets: { select: "fleet=sim" }, waitSeconds: 120 });
        const { succeeded } = execution.counts;
        if (execution.state !== "succeeded" || succeeded !== count)
          throw new Error(`Execution ${execution.id} is ${execution.state}: ${JSON.stringify(execution.counts)}`);
      };
      await once();
      const took = await timed(runs, once);
      const floor = await measureFloor(stack.folder, count);
      print("fan-out", `one execution on ${count} connected agents, ${runs} times`, [
        { name: "agents enrolled and connected a second", value: (count / enrolledMs) * 1000, unit: "" },
        { name: "execute → all outcomes durable, median", value: median(took), unit: "ms" },
        { name: "longest", value: Math.max(...took), unit: "ms" },
        { name: "a target", value: median(took) / count, unit: "ms" },
        {
          name: "floor: bulk insert and update",
          value: median(floor),
          unit: "ms",
          note: `${rowsPerTarget} rows a target`,
        },
        { name: "median / floor", value: median(took) / median(floor), unit: "×" },
      ]);
    } finally {
      await fleet.stop();
    }
  } finally {
    await stack.stop();
  }
}

async function measureFloor(folder: string, targets: number): Promise<number[]> {
  const dataDir = mkdtempSync(join(folder, "floor-"));
  const log = { info() {}, warn: console.warn, error: console.error };
  const server = await startEmbeddedPostgres({ dataDir, log });
  const sql = connect(server.owner, { max: 1 });
  try {
    await sql`create table one (id uuid primary key, run integer, state text, detail jsonb)`;
    return await timed(runs, async (run) => {
      await sql`
        insert into one select uuidv7(), ${run}, 'queued', '{"seed": "a text as long as a small one"}'
        from generate_series(1, ${targets * rowsPerTarget})`;
      await sql`update one set state = 'succeeded' where run = ${run}`;
    });
  } finally {
    await sql.end();
    await server.stop();
    rmSync(dataDir, { recursive: true });
  }
}
