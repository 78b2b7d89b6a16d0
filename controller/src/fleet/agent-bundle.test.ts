import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { bundleAgent } from "./agent-bundle.ts";

const folder = mkdtempSync(join(tmpdir(), "oc-bundle-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("every file of the packaged agent loads", async () => {
  const names: string[] = [];
  for (const { name, mode, from } of await bundleAgent()) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    if ("bytes" in from) writeFileSync(join(folder, name), from.bytes, { mode });
    if (/\.mjs$/.test(name) && !/^lib\/(agent|action)\.mjs$/.test(name)) names.push(name);
  }
  expect(names.length).toBeGreaterThan(20);
  // The two programs begin to work when they are loaded; everything else only offers what it has.
  const load = names.map((name) => `await import(${JSON.stringify(join(folder, name))});`).join("\n");
  const end = "console.log('all loaded'); process.exit(0)";
  const loaded = execFileSync(process.execPath, ["--input-type=module", "-e", `${load}\n${end}`], { encoding: "utf8" });
  expect(loaded).toBe("all loaded\n");
});

test("actions run from the package, also those with libraries of their own", () => {
  const path = join(folder, "f");
  expect(act("file", { path, state: "present", content: "x", backup: false, diff: true })).toMatchObject({
    changed: true,
  });
  const [host, credential, timeout] = ["127.0.0.1", "all", "300ms"];
  const query = { host, database: "x", tls: "off", query: "select 1", params: [], changes: false, timeout };
  const command = {
    host,
    port: 1,
    credential,
    command: "x",
    args: [],
    expectCodes: [0],
    connectTimeout: "5s",
    timeout,
  };
  const get = { host, port: 1, version: "2c", credential, get: { x: "1.3.6" }, expect: {}, timeout };
  // Nobody listens there: to say so, the library must have been loaded and used.
  expect(act("sql", { ...query, engine: "postgresql", port: 1 }).message).toMatch(/ECONNREFUSED/);
  expect(act("sql", { ...query, engine: "mysql", port: 1 }).message).toMatch(/ECONNREFUSED/);
  expect(act("ssh", { ...command, changes: false }).message).toMatch(/ECONNREFUSED/);
  expect(act("snmp", get).message).toMatch(/gave no answer/);
});

function act(uses: string, parameters: Record<string, unknown>): { changed: boolean; message: string } {
  writeFileSync(join(folder, "all.yaml"), "{ username: u, password: p, community: c, knownHosts: x }", { mode: 0o600 });
  const execution = { id: "1", number: 1, job: "j" };
  const request = { uses, parameters, check: false, execution, credentialFolder: folder };
  writeFileSync(join(folder, "action.json"), JSON.stringify(request));
  spawnSync(process.execPath, [join(folder, "lib/action.mjs"), folder]);
  return JSON.parse(readFileSync(join(folder, "result.json"), "utf8"));
}
