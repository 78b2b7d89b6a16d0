// What keeps a controller from starting: each gets one clear answer, and nothing is lost by it.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "@opsconductor/database/connect";
import { startEmbeddedPostgres } from "@opsconductor/database/embedded/embedded-postgres";
import { afterEach, beforeEach, expect, test } from "vitest";
import { repositoryRoot, startDevstack } from "./devstack/devstack.ts";
import { freePorts } from "./devstack/free-ports.ts";
import { endProcessesNaming, processesNaming, type StartedProcess, startProcess } from "./devstack/processes.ts";
import { waitFor } from "./devstack/wait-for.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "opsconductor-start-"));
  chmodSync(folder, 0o711);
});
afterEach(async () => {
  const left = processesNaming(folder);
  await endProcessesNaming(folder);
  expect(left, "a start that was refused leaves nothing running").toEqual([]);
  rmSync(folder, { recursive: true });
});

async function start(env: Record<string, string>): Promise<StartedProcess> {
  const [http, agent, api] = await freePorts(3);
  return startProcess(process.execPath, [join(repositoryRoot, "controller/src/main.ts")], {
    cwd: folder,
    logFile: join(folder, "controller.log"),
    env: {
      PATH: process.env.PATH!,
      HOME: folder,
      OPSCONDUCTOR_DEVSTACK: folder,
      OC_DATA_DIR: join(folder, "data"),
      OC_HTTP_ADDR: `127.0.0.1:${http}`,
      OC_AGENT_ADDR: `127.0.0.1:${agent}`,
      OC_API_ADDR: `127.0.0.1:${api}`,
      ...env,
    },
  });
}

async function refusal(env: Record<string, string>): Promise<{ code: number | null; says: string }> {
  const controller = await start(env);
  const { code } = await controller.untilEnded(30_000);
  return { code, says: controller.output() };
}

test("wrong and unknown settings are all named at once, with exit code 2", async () => {
  const { code, says } = await refusal({ OC_HTTP_ADDR: "somewhere", OC_HTTP_ADR: "x", LOG_LEVEL: "loud" });
  expect(code).toBe(2);
  expect(says).toContain("OC_HTTP_ADDR must be host:port");
  expect(says).toContain("OC_HTTP_ADR is not a setting; did you mean OC_HTTP_ADDR?");
  expect(says).toContain("LOG_LEVEL must be one of");
  expect(says).not.toMatch(/^\s+at /m);
});

test("a half of a pair of settings names the missing half", async () => {
  const { code, says } = await refusal({ OC_TLS_CERT_FILE: "/tmp/cert.pem" });
  expect(code).toBe(2);
  expect(says).toContain("OC_TLS_KEY_FILE must be set when OC_TLS_CERT_FILE is");
});

test.each(["OC_HTTP_ADDR", "OC_AGENT_ADDR", "OC_API_ADDR"])("a taken port names %s and ends", async (setting) => {
  const other = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => other.once("listening", resolve));
  const { port } = other.address() as { port: number };
  try {
    const { code, says } = await refusal({ [setting]: `127.0.0.1:${port}` });
    expect(code).not.toBe(0);
    expect(says).toContain(setting);
    expect(says).toContain(String(port));
    expect(says).not.toMatch(/^\s+at /m);
  } finally {
    other.close();
  }
});

test("a data directory that cannot be made or written is named", async () => {
  writeFileSync(join(folder, "file"), "");
  const { code, says } = await refusal({ OC_DATA_DIR: join(folder, "file", "data") });
  expect(code).toBe(2);
  expect(says).toContain("OC_DATA_DIR");
  expect(says).not.toMatch(/^\s+at /m);
});

test("a database that does not answer is named without its password", async () => {
  const { code, says } = await refusal({ DATABASE_URL: "postgres://user:hush-hush@127.0.0.1:1/none" });
  expect(code).not.toBe(0);
  expect(says).toContain("DATABASE_URL");
  expect(says).not.toContain("hush-hush");
});

test("a database that is newer than the program is left alone, and works again afterwards", async () => {
  const stack = await startDevstack();
  try {
    await stack.stopController();
    await inDatabase(
      stack.dataDir,
      "insert into public.schema_migrations (version, name, sha256) values (9999, 'x', 'x')",
    );
    await expect(stack.startController()).rejects.toThrow(/newer than this program/);
    await inDatabase(stack.dataDir, "delete from public.schema_migrations where version = 9999");
    await stack.startController();
  } finally {
    await stack.stop();
  }
});

test("a stop in the middle of a start ends cleanly at any moment, and the next start works", async () => {
  const seen = new Set<string>();
  for (const afterMs of [50, 300, 700, 1_200, 2_000]) {
    const controller = await start({});
    await new Promise((resolve) => setTimeout(resolve, afterMs)); // the moment itself is what is tested
    controller.kill("SIGTERM");
    const { code, signal } = await controller.untilEnded(30_000);
    seen.add(String(code ?? signal));
    await waitFor("nothing to be left", () => processesNaming(folder).length === 0, { timeoutMs: 10_000 });
  }
  for (const end of seen) expect(["0", "SIGTERM"]).toContain(end);
  const controller = await start({});
  await waitFor("the controller to be ready", () => controller.output().includes("http://127.0.0.1"), {
    timeoutMs: 30_000,
  });
  controller.kill("SIGTERM");
  expect((await controller.untilEnded(30_000)).code).toBe(0);
});

/** One statement in a stopped controller's embedded database. */
async function inDatabase(dataDir: string, statement: string): Promise<void> {
  mkdirSync(dataDir, { recursive: true });
  const log = { info() {}, warn: console.warn, error: console.error };
  const server = await startEmbeddedPostgres({ dataDir, log });
  const sql = connect(server.owner, { max: 1 });
  try {
    await sql.unsafe(statement);
  } finally {
    await sql.end();
    await server.stop();
  }
}
