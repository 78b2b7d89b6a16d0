import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type ActionName, actionCatalogue, actionNames } from "@opsconductor/contract/job/actions/action-catalogue";
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

/** What each action is asked, and says of it. Nobody listens at port 1: to say so, a library must have been loaded and used. */
const remote = { host: "127.0.0.1", port: 1, credential: "all" };
const database = { ...remote, database: "x", query: "select 1", changes: false };
const asked: Record<ActionName, [given: Record<string, unknown>, says: RegExp][]> = {
  file: [[{ path: at("f"), content: "x" }, /^would change: create /]],
  directory: [[{ path: at("d") }, /^would change: create the directory/]],
  template: [[{ path: at("t"), template: "{{ x }}", values: { x: "y" } }, /^would change: create /]],
  "line-in-file": [[{ path: at("l"), line: "x", create: true }, /^would change: create /]],
  copy: [[{ from: process.execPath, path: at("c") }, /^would change: create /]],
  archive: [[{ archive: at("a.tar.gz"), from: [import.meta.filename] }, /^would change: create /]],
  fetch: [[{ url: "http://127.0.0.1:1/", path: at("g") }, /cannot be reached/]],
  http: [[{ url: "http://127.0.0.1:1/" }, /ECONNREFUSED/]],
  "wait-for": [[{ port: 1 }, /^would wait for port 1/]],
  assert: [[{ that: [true] }, /^all 1 conditions are true/]],
  sleep: [[{ for: "1h" }, /^would /]],
  message: [[{ text: "words" }, /^words$/]],
  package: [[{ names: ["oc-no-such-package"] }, /oc-no-such-package|package manager/]],
  service: [[{ name: "oc-no-such", state: "started" }, /there is no service oc-no-such|neither systemd nor OpenRC/]],
  user: [[{ name: "oc-nobody-yet" }, /^would change: make the user/]],
  cron: [[{ name: "e", schedule: "@daily", command: "true", directory: folder }, /^would change: /]],
  git: [[{ repo: at("none"), path: at("r") }, /git ls-remote failed/]],
  reboot: [[{}, /^would change: restart the host/]],
  sql: [
    [{ ...database, engine: "postgresql" }, /ECONNREFUSED/],
    [{ ...database, engine: "mysql" }, /ECONNREFUSED/],
  ],
  ssh: [[{ ...remote, command: "x", changes: false }, /ECONNREFUSED/]],
  sftp: [[{ ...remote, direction: "download", local: at("s"), remote: "/x" }, /ECONNREFUSED/]],
  winrm: [[{ ...remote, script: "x", changes: false }, /cannot be reached/]],
  snmp: [[{ ...remote, version: "2c", get: { x: "1.3.6" }, timeout: "300ms" }, /gave no answer/]],
};

test.each(actionNames)("%s runs from the package", (uses) => {
  for (const [given, says] of asked[uses]) {
    const { message, told } = act(uses, given);
    expect(message).toMatch(says);
    expect(told, "the stack of an error that nobody expected").not.toMatch(/\n\s+at /);
  }
});

function at(name: string): string {
  return join(folder, name);
}

/** In check mode, with the parameters read by the action's schema as the agent reads them. */
function act(uses: ActionName, given: Record<string, unknown>): { message: string; told: string } {
  writeFileSync(at("all.yaml"), "{ username: u, password: p, community: c, knownHosts: x }", { mode: 0o600 });
  const parameters = actionCatalogue[uses].parameters.parse(given);
  const request = {
    uses,
    parameters,
    check: true,
    execution: { id: "1", number: 1, job: "j" },
    credentialFolder: folder,
  };
  const room = mkdtempSync(at("try-"));
  writeFileSync(join(room, "action.json"), JSON.stringify(request));
  const { stdout, stderr } = spawnSync(process.execPath, [at("lib/action.mjs"), room], { encoding: "utf8" });
  const { message } = JSON.parse(readFileSync(join(room, "result.json"), "utf8"));
  return { message, told: `${stdout}${stderr}` };
}
