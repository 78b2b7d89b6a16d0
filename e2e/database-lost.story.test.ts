// PostgreSQL is killed under a working controller: it brings the embedded one back by itself, nobody is told "500", and
// what was begun comes to its end.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Api } from "./devstack/api.ts";
import { type Devstack, startDevstack } from "./devstack/devstack.ts";
import { waitFor } from "./devstack/wait-for.ts";

const password = "a-password-for-the-story";
let stack: Devstack;
let api: Api;
let onOutput: (piece: string) => void = () => {};
beforeAll(async () => {
  stack = await startDevstack({
    adminPassword: password,
    localAgent: true,
    env: { LOG_LEVEL: "debug" },
    onOutput: (piece) => onOutput(piece),
  });
  api = await Api.signIn(stack.url, "admin", password);
  await api.post(
    "/api/v1/jobs",
    "apiVersion: opsconductor/v1\nkind: Job\nname: count\nsteps:\n  - run: seq 1 2000; sleep 1\n",
  );
  await waitFor("the local agent", async () => (await agents())[0]?.state === "online", { timeoutMs: 30_000 });
});
afterAll(() => stack?.stop());

const agents = async () => (await api.get<{ items: { name: string; state: string }[] }>("/api/v1/agents")).items;
const postmaster = () => {
  const { directory } = JSON.parse(readFileSync(join(stack.dataDir, "postgres.json"), "utf8"));
  const file = join(directory.startsWith("/") ? directory : join(stack.dataDir, directory), "data/postmaster.pid");
  return Number(readFileSync(file, "utf8").split("\n")[0]);
};
const health = async () => {
  const response = await fetch(`${stack.url}/health`);
  const { status, parts } = (await response.json()) as { status: string; parts: { database: { detail?: string } } };
  return { http: response.status, status, detail: parts.database.detail };
};
const logged = (event: string) =>
  stack
    .log()
    .split("\n")
    .filter((line) => line.includes(`"${event}"`)).length;

test("a PostgreSQL killed under load comes back by itself, and everything goes on", async () => {
  const [{ name } = { name: "" }] = await agents();
  const statuses = new Set<number>();
  const ids: string[] = [];
  let killing = true;
  const load = (async () => {
    for (let n = 0; killing || ids.length < 6; n++) {
      const headers = { "idempotency-key": `lost-${n}` };
      const body = { targets: { names: [name] } };
      const ask = () => api.request<{ id: string }>("POST", "/api/v1/jobs/count/execute", body, headers);
      let answer = await ask();
      for (; answer.status >= 500; answer = await ask()) {
        statuses.add(answer.status);
        expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect(answer.status).toBe(201);
      ids.push(answer.body.id);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  const live = await api.follow("executions");
  for (let kill = 0; kill < 3; kill++) {
    const pid = postmaster();
    process.kill(pid, "SIGKILL");
    await waitFor("another postmaster", () => postmaster() !== pid, { timeoutMs: 30_000 });
    await waitFor("the database to be well", async () => (await health()).http === 200, { timeoutMs: 30_000 });
    await expect(Api.signIn(stack.url, "admin", password)).resolves.toBeDefined();
  }
  killing = false;
  await load;
  const seen = live.events.length;
  const finished = async () => {
    const { items } = await api.get<{ items: { id: string; state: string }[] }>("/api/v1/executions?limit=100");
    return ids.every((id) => items.find((e) => e.id === id)?.state === "succeeded") && items.length;
  };
  expect(await waitFor("all executions to succeed", finished, { timeoutMs: 60_000 })).toBe(new Set(ids).size);
  expect(live.events.length).toBeGreaterThan(seen);
  live.close();
  expect([...statuses].filter((status) => status !== 503)).toEqual([]);
  expect(stack.controller().ended()).toBeUndefined();
  expect(logged("postgres.died")).toBe(3);
  expect(logged("duty.failed")).toBe(0);
  expect(logged("request.failed")).toBe(0);
});

test("while PostgreSQL hangs the health says so, and it is well again when it answers", async () => {
  const pid = postmaster();
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);
  for (const one of [pid, ...children]) process.kill(one, "SIGSTOP");
  try {
    await waitFor("the health to be bad", async () => (await health()).http === 503, { timeoutMs: 30_000 });
    expect((await health()).detail).toContain("does not answer");
    expect((await fetch(`${stack.url}/health/live`)).status).toBe(200);
  } finally {
    for (const one of [pid, ...children]) process.kill(one, "SIGCONT");
  }
  await waitFor("the health to be good", async () => (await health()).http === 200, { timeoutMs: 30_000 });
  await waitFor("the agent", async () => (await agents())[0]?.state === "online", { timeoutMs: 30_000 });
  expect(logged("database.works_again")).toBeGreaterThan(0);
});

test("a PostgreSQL killed while the controller starts keeps it from nothing: it begins its start again", async () => {
  await stack.stopController();
  let kills = 0;
  onOutput = (piece) => {
    if (!piece.includes('"part":"database watch"') || kills === 2) return;
    kills += 1;
    process.kill(postmaster(), "SIGKILL");
  };
  await stack.startController();
  onOutput = () => {};
  expect(kills).toBe(2);
  expect(logged("controller.start_lost_database")).toBeGreaterThan(0);
  await waitFor("the local agent", async () => (await agents())[0]?.state === "online", { timeoutMs: 30_000 });
});
