// npm run bench -- history [--executions 1000000]: lists and filters of a controller with a long history: the first page
// and the thousandth alike, also within grants, and the overview's numbers. The history is inserted by SQL
// (history-rows.ts). The floor is the bare indexed query for a page of ids. Ends with 1 when a bar is missed.
import type { Sql } from "@opsconductor/database/connect";
import { Api } from "../../e2e/devstack/api.ts";
import { startDevstack } from "../../e2e/devstack/devstack.ts";
import { stackDatabase } from "../../e2e/devstack/stack-database.ts";
import { createJob } from "../../e2e/devstack/story.ts";
import { type Figure, median, optionOf, percentile, print, timed } from "./figures.ts";
import { fillHistory, frequentJob, rareJob, stepsPerExecution } from "./history-rows.ts";

const password = "bench-password-1";
const viewerPassword = "bench-of-history-1";
const pageSize = 50;
const farPage = 1000;
const runs = 40;
const barMs = 100;

export async function benchHistory(): Promise<void> {
  const count = Number(optionOf("--executions") ?? 1_000_000);
  const stack = await startDevstack({ adminPassword: password });
  const sql = stackDatabase(stack);
  try {
    const api = await Api.signIn(stack.url, "admin", password);
    for (const name of [frequentJob, rareJob])
      await createJob(api, `apiVersion: opsconductor/v1\nkind: Job\nname: ${name}\nsteps:\n  - run: 'true'\n`);
    const from = performance.now();
    const target = await fillHistory(sql, count);
    const filled: Figure = { name: "rows inserted in", value: performance.now() - from, unit: "ms" };
    const figures = [filled, await floor(sql), ...(await pages(api, sql, target)), ...(await details(api, sql))];
    figures.push(...(await withinGrants(api, sql, stack.url)));
    print(
      "history",
      `${count} executions, ${count * stepsPerExecution} steps; p95 of ${runs}, bar ${barMs} ms`,
      figures,
    );
    if (figures.some((figure) => figure.note?.startsWith("OVER"))) process.exitCode = 1;
  } finally {
    await sql.end();
    await stack.stop();
  }
}

async function floor(sql: Sql): Promise<Figure> {
  const took = await timed(runs, () => sql`select id from automation.executions order by id desc limit ${pageSize}`);
  return { name: "floor: the ids of a page, p95", value: percentile(took, 0.95), unit: "ms" };
}

/** Of each filter the first page, and the thousandth where there is one. */
async function pages(api: Api, sql: Sql, target: string): Promise<Figure[]> {
  const far = await cursorAt(sql, farPage * pageSize);
  const filters = {
    all: "",
    "state=succeeded": "&state=succeeded",
    "state=failed": "&state=failed",
    "state=timed_out (a few, long ago)": "&state=timed_out",
    "state=failed,cancelled": "&state=failed,cancelled",
    "a job with half of them": `&job=${frequentJob}`,
    "a job with a few, long ago": `&job=${rareJob}`,
    "text in the job's name": "&q=bench",
    "text, failed": "&q=rare&state=failed",
    "a target": `&target=${target}`,
  };
  const figures: Figure[] = [];
  for (const [name, filter] of Object.entries(filters)) {
    const path = `/api/v1/executions?limit=${pageSize}${filter}`;
    figures.push(await measured(api, `${name}: first page`, path));
    figures.push(await measured(api, `${name}: page ${farPage}`, `${path}&cursor=${far}`));
  }
  return figures;
}

async function details(api: Api, sql: Sql): Promise<Figure[]> {
  const [old] = await sql<[{ id: string }]>`select id from automation.executions order by id limit 1`;
  const path = `/api/v1/executions/${old.id}`;
  return [
    await measured(api, "the oldest execution", path),
    await measured(api, "its assignments", `${path}/assignments`),
    await measured(api, "its steps", `${path}/steps`),
    await measured(api, "the overview", "/api/v1/overview"),
  ];
}

/** What somebody sees whose grants reach a tenth of the targets, and somebody whose grant reaches one. */
async function withinGrants(admin: Api, sql: Sql, url: string): Promise<Figure[]> {
  const far = await cursorAt(sql, farPage * pageSize);
  const figures: Figure[] = [];
  for (const [who, selector] of Object.entries({ "a tenth": "name~bench-*7", "one target": "name=bench-0042" })) {
    const api = await viewerOf(admin, url, who.replace(" ", "-"), selector);
    for (const [page, path] of [
      ["first page", `?limit=${pageSize}`],
      [`page ${farPage} of all`, `?limit=${pageSize}&cursor=${far}`],
      ["a job, first page", `?limit=${pageSize}&job=${frequentJob}`],
      // A failed execution is on every twentieth target, and on none of these.
      ["failed (there is none), first page", `?limit=${pageSize}&state=failed`],
    ])
      figures.push(await measured(api, `within grants, ${who}: ${page}`, `/api/v1/executions${path}`));
    figures.push(await measured(api, `within grants, ${who}: overview`, "/api/v1/overview"));
  }
  return figures;
}

async function viewerOf(admin: Api, url: string, username: string, selector: string): Promise<Api> {
  const { link } = await admin.post<{ link: { token: string } }>("/api/v1/users", { username, roles: [] });
  await admin.request("POST", "/api/v1/auth/password-link", { token: link.token, newPassword: viewerPassword });
  await admin.post(`/api/v1/users/${username}/grants`, { role: "viewer", scope: { kind: "selector", selector } });
  return await Api.signIn(url, username, viewerPassword);
}

async function measured(api: Api, name: string, path: string): Promise<Figure> {
  const took = await timed(runs, () => api.get(path));
  const p95 = percentile(took, 0.95);
  const note = `${p95 > barMs ? "OVER" : "of"} ${barMs} ms, p50 ${median(took).toFixed(1)}`;
  return { name, value: p95, unit: "ms", note };
}

/** What a person holds who has turned that many rows; cursors are made as the controller makes them. */
async function cursorAt(sql: Sql, rows: number): Promise<string> {
  const [row] = await sql<{ id: string }[]>`
    select id from automation.executions order by id desc offset ${rows - 1} limit 1`;
  if (!row) throw new Error(`The history has fewer than ${rows} executions: ask for more with --executions`);
  return Buffer.from(JSON.stringify([row.id])).toString("base64url");
}
